"""Whether a signal may vote: the gate, its record, and the tuning of weights.

Conventions
-----------
The *candidate* is the signal under test, the *ensemble* all others at their weights. A fixture is
*right* when the answer is among the meters that its label accepts. Of the fixtures on which only
one of the two is right, those of the candidate are *gains*, those of the ensemble *losses*.

Answers are arrays of meters, shape ``(fixtures,)``, 0 where every signal abstained, which is wrong.
Intervals hold 95 % of the bootstrap resamplings by source work, since fixtures of one work are
alike.
"""
