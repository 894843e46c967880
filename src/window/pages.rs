//! Counters by number, in pages: pages before the first and after the last non-zero count do not exist, nor do empty
//! ones between. A report holds thousands of these, each of which counts within a few octaves.

use std::iter;

/// Number of counters in a page.
pub(super) const PAGE: usize = 128;

/// A counter that can be increased by any number until it is full.
pub(super) trait Counter: Copy + Default + Into<u64> {
    fn plus(self, more: u64) -> Option<Self>;
}

impl Counter for u32 {
    #[inline]
    fn plus(self, more: u64) -> Option<u32> {
        u32::try_from(u64::from(self).checked_add(more)?).ok()
    }
}

/// Saturates at the maximum.
impl Counter for u64 {
    fn plus(self, more: u64) -> Option<u64> {
        Some(self.saturating_add(more))
    }
}

/// Counters in pages.
#[derive(Clone)]
pub(super) struct Pages<C> {
    /// The number of the first page that exists.
    first: usize,
    pages: Vec<Option<Box<[C; PAGE]>>>,
}

impl<C> Default for Pages<C> {
    fn default() -> Self {
        Pages { first: 0, pages: Vec::new() }
    }
}

impl<C: Counter> Pages<C> {
    /// Adds `count` to a number; false if there is no room, and then nothing is counted.
    #[must_use]
    pub(super) fn add(&mut self, number: usize, count: u64) -> bool {
        let counter = &mut self.page(number / PAGE)[number % PAGE];
        let sum = counter.plus(count);
        *counter = sum.unwrap_or(*counter);
        sum.is_some()
    }

    /// Counts numbers in ascending order, as far as there is room, and returns how many were counted. Numbers on the
    /// same page share one page lookup.
    #[must_use]
    pub(super) fn add_in_order(&mut self, counted: &[(usize, u64)]) -> usize {
        let mut done = 0;
        for of_page in counted.chunk_by(|(one, _), (next, _)| one / PAGE == next / PAGE) {
            let page = self.page(of_page[0].0 / PAGE);
            for (number, count) in of_page {
                let counter = &mut page[number % PAGE];
                let Some(sum) = counter.plus(*count) else { return done };
                *counter = sum;
                done += 1;
            }
        }
        done
    }

    /// Whether there is room to add the counts of `others`.
    pub(super) fn has_room_for<D: Counter>(&self, others: &Pages<D>) -> bool {
        others.whole().all(|(at, theirs)| {
            let mine = at.checked_sub(self.first).and_then(|at| self.pages.get(at)?.as_deref());
            let room = |(theirs, mine): (&D, C)| mine.plus((*theirs).into()).is_some();
            match mine {
                Some(mine) => theirs.iter().zip(mine.iter().copied()).all(room),
                None => theirs.iter().zip(iter::repeat(C::default())).all(room),
            }
        })
    }

    /// Adds the counts of `others`, for which there must be room.
    pub(super) fn merge<D: Counter>(&mut self, others: &Pages<D>) {
        for (at, theirs) in others.whole() {
            for (mine, theirs) in self.page(at).iter_mut().zip(theirs) {
                *mine = mine.plus((*theirs).into()).unwrap_or(*mine);
            }
        }
    }

    /// The numbers with a count, from the lowest, and their counts.
    pub(super) fn counted(&self) -> impl Iterator<Item = (usize, u64)> {
        self.whole().flat_map(|(page, counters)| {
            let counts = counters.iter().map(|counter| (*counter).into());
            (page * PAGE..).zip(counts).filter(|(_, count)| *count > 0)
        })
    }

    /// The existing pages with their numbers.
    fn whole(&self) -> impl Iterator<Item = (usize, &[C; PAGE])> {
        (self.first..).zip(&self.pages).filter_map(|(at, page)| Some((at, page.as_deref()?)))
    }

    /// A page, created if it does not exist.
    fn page(&mut self, number: usize) -> &mut [C; PAGE] {
        if self.pages.is_empty() {
            self.first = number;
        } else if number < self.first {
            self.pages.splice(..0, iter::repeat_with(|| None).take(self.first - number));
            self.first = number;
        }
        let at = number - self.first;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        self.pages[at].get_or_insert_with(|| Box::new([C::default(); PAGE]))
    }
}
