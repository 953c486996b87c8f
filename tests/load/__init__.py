"""Many clients and several daemons on one queue, daemons killed meanwhile: is anything lost or run twice?

One process of its own for each daemon and for each few clients, the real loop, the real storage. What a
request would run is played: a daemon notes in a file that it starts it, lets some milliseconds pass, and
answers.
"""
