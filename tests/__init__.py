"""The tests, in the layout of slackapp/, and the kinds that cut across it: attacks, vectors, meta, e2e, long, bench."""
