"""rtseg: real-time segmentation of road, vehicles and pedestrians in video."""

__version__ = "0.1.0"
