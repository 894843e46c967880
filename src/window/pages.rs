//! Counters by number, in pages: a page without counts is not there, nor is any before the first or after the last that
//! is. A report holds thousands of these, each of which counts within a few octaves.

use std::iter;

/// The counters of a page.
pub(super) const PAGE: usize = 128;

/// A counter that counts so many more, as long as there is room.
pub(super) trait Counter: Copy + Default + Into<u64> {
    fn plus(self, more: u64) -> Option<Self>;
}

impl Counter for u32 {
    fn plus(self, more: u64) -> Option<u32> {
        u32::try_from(u64::from(self).checked_add(more)?).ok()
    }
}

/// Held at the largest number there is.
impl Counter for u64 {
    fn plus(self, more: u64) -> Option<u64> {
        Some(self.saturating_add(more))
    }
}

/// Counters in pages.
#[derive(Clone)]
pub(super) struct Pages<C> {
    /// The number of the first page in the list.
    first: usize,
    pages: Vec<Option<Box<[C; PAGE]>>>,
}

impl<C> Default for Pages<C> {
    fn default() -> Self {
        Pages { first: 0, pages: Vec::new() }
    }
}

impl<C: Counter> Pages<C> {
    /// Counts so many more of a number; false if there is no room for them, and nothing is counted.
    #[must_use]
    pub(super) fn add(&mut self, number: usize, count: u64) -> bool {
        let counter = &mut self.page(number / PAGE)[number % PAGE];
        let sum = counter.plus(count);
        *counter = sum.unwrap_or(*counter);
        sum.is_some()
    }

    /// Counts numbers that come in order, as far as there is room, and says how many that was. What is of one page is
    /// counted in it without looking for it again.
    #[must_use]
    pub(super) fn add_in_order(&mut self, counted: impl IntoIterator<Item = (usize, u64)>) -> usize {
        let mut counted = counted.into_iter().peekable();
        let mut done = 0;
        while let Some((first, _)) = counted.peek() {
            let number = first / PAGE;
            let page = self.page(number);
            while let Some((number, count)) = counted.next_if(|(next, _)| next / PAGE == number) {
                let counter = &mut page[number % PAGE];
                let Some(sum) = counter.plus(count) else { return done };
                *counter = sum;
                done += 1;
            }
        }
        done
    }

    /// Whether the counts of others can be added.
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

    /// Adds the counts of others, for which there is room.
    pub(super) fn merge<D: Counter>(&mut self, others: &Pages<D>) {
        for (at, theirs) in others.whole() {
            for (mine, theirs) in self.page(at).iter_mut().zip(theirs) {
                *mine = mine.plus((*theirs).into()).unwrap_or(*mine);
            }
        }
    }

    /// The numbers that were counted, from the lowest, and how often.
    pub(super) fn counted(&self) -> impl Iterator<Item = (usize, u64)> {
        self.whole().flat_map(|(page, counters)| {
            let counts = counters.iter().map(|counter| (*counter).into());
            (page * PAGE..).zip(counts).filter(|(_, count)| *count > 0)
        })
    }

    /// The pages that are there with their numbers.
    fn whole(&self) -> impl Iterator<Item = (usize, &[C; PAGE])> {
        (self.first..).zip(&self.pages).filter_map(|(at, page)| Some((at, page.as_deref()?)))
    }

    /// A page, made if there is none yet.
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
