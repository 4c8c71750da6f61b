"""The work of rtseg.offline on a Ray cluster, from storage to storage.

Each clip is a task; a long one is planned, done as spans on any machines, and joined. Whatever dies only
costs its task: inputs are fetched again, and spans that are in storage are not done again.
"""
