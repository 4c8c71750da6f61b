"""The demo source: a moving street that the program draws itself, with exact ground truth."""
