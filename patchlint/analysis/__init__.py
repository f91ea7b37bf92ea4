"""What happens to one series: images, facts, both graphs, and the tree at hand.

Read in this order: ``series`` (one series in, its downgrades out), ``steps`` (which patch lost
what), ``states`` (both sides of one state compared), ``placing`` (in which patch a downgrade is
told), ``at_hand`` (the kernel tree that is asked).
"""
