"""The outside of a running Trunkline: HTTP, the socket, the pages, and WebChat as a channel.

`server` puts together what the others decide: `guard` who may come near, `auth` who has signed in,
`frames` and `rpc` what was asked, `feed` and `chat` which events a client is shown.
"""
