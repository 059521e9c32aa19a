"""Word of what happens to cases, sent to other programs of the utility.

`model` says what is kept and how it is signed, `addresses` where nothing may be sent, `sending` sends one,
`book` keeps subscriptions, `queue` writes down what is to be sent, and `delivering` sends it until it
arrives.
"""
