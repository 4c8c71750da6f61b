"""How good a model is, measured the same way whatever runs it. Needs no TensorFlow."""
