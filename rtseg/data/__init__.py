"""Pictures with labels: data sets on disk and the scenes of the demo source. Needs no TensorFlow."""
