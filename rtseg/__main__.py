"""python -m rtseg: the same as the command rtseg."""

from rtseg.cli import main

main()
