//! Outcomes added up: the commutative monoid, and the only code that knows hdrhistogram.
