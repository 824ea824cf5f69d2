//! Which kinds of record there are in a history, and where: an invariant is shown those only that it hears of, and passes
//! over the others 64 at a time.

use squall_probe::What;

macro_rules! variants {
    ($($name:ident,)*) => {
        /// A variant of [`What`], without what it says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Variant { $($name),* }

        impl Variant {
            /// All of them; each stands at the place of its number.
            const ALL: &[Self] = &[$(Self::$name),*];

            pub(crate) const fn of(what: &What) -> Self {
                match what { $(What::$name { .. } => Self::$name,)* }
            }

            /// Its name, as in the invariants' `needs`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

variants! {
    Publish, Poison, Lead, StepDown, Rebuild, Append, Acknowledge, Assign, Deliver, Derive, Apply, DeadLetter, Redrive, Saga,
    Attempt, Call, Breaker, Buffered, Commit, State, Signal, Point, FaultBegan, FaultHealed, Tampered, DiskRefused, Node, Mark,
    Late, Probe, Unanswered, Content, Request, Vote, Asked, Held, WentBack, Enqueue, Deduplicate, Lease, Extend,
    AcknowledgeMessage, Refuse, Requeue, Remove, Absent, Enlist, Transaction,
}

const _: () = assert!(Variant::ALL.len() <= 64, "a set of them is 64 bits");

/// A set of variants, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variants(u64);

/// The set of the variants with these names.
macro_rules! heard {
    ($($name:ident),+) => {
        $crate::variants::Variants::of(&[$($crate::variants::Variant::$name),+])
    };
}
pub(crate) use heard;

impl Variants {
    /// Every one.
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) const fn of(variants: &[Variant]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < variants.len() {
            bits |= 1 << variants[index] as u64;
            index += 1;
        }
        Self(bits)
    }

    /// These and those.
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) const fn has(self, variant: Variant) -> bool {
        self.0 >> variant as u64 & 1 == 1
    }
}

/// Where records of each variant stand in a history.
#[derive(Debug)]
pub(crate) struct Places {
    /// A bit for each record, of each variant, as far as its last.
    bits: Vec<Vec<u64>>,
    /// How many records there are.
    records: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { bits: vec![Vec::new(); Variant::ALL.len()], records: 0 }
    }
}

impl Places {
    /// The next record says this.
    pub(crate) fn push(&mut self, what: &What) {
        let (word, bit) = (self.records / 64, self.records % 64);
        let bits = &mut self.bits[Variant::of(what) as usize];
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        bits[word] |= 1 << bit;
        self.records += 1;
    }

    /// The variants that there are.
    pub(crate) fn variants(&self) -> impl Iterator<Item = Variant> {
        Variant::ALL.iter().copied().filter(|variant| self.has(*variant))
    }

    /// There is one of these.
    pub(crate) fn has(&self, variant: Variant) -> bool {
        !self.bits[variant as usize].is_empty()
    }

    /// Shows the places of all records of these variants, in order.
    #[inline(always)]
    pub(crate) fn each(&self, heard: Variants, mut show: impl FnMut(usize)) {
        let bits: Vec<&[u64]> =
            self.variants().filter(|v| heard.has(*v)).map(|v| &*self.bits[v as usize]).collect();
        for word in 0..bits.iter().map(|bits| bits.len()).max().unwrap_or(0) {
            let mut left = bits.iter().fold(0, |all, bits| all | bits.get(word).unwrap_or(&0));
            while left != 0 {
                show(word * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_probe::{EventId, Mark};

    #[test]
    fn each_number_is_a_place_of_all() {
        for (index, variant) in Variant::ALL.iter().enumerate() {
            assert_eq!(*variant as usize, index);
        }
    }

    #[test]
    fn records_are_shown_in_order_across_words_and_others_are_not() {
        let event = |number| What::Poison { event: EventId(number) };
        let mut places = Places::default();
        for number in 0..200 {
            places.push(&match number % 67 {
                0 => What::Rebuild,
                1 => What::Mark(Mark::Healed),
                _ => event(number),
            });
        }
        let shown = |heard: &[Variant]| {
            let mut shown = Vec::new();
            places.each(Variants::of(heard), |place| shown.push(place));
            shown
        };
        assert_eq!(shown(&[Variant::Rebuild]), [0, 67, 134]);
        assert_eq!(shown(&[Variant::Mark, Variant::Rebuild]), [0, 1, 67, 68, 134, 135]);
        assert_eq!(shown(&[Variant::Vote]), []);
        assert_eq!(shown(&[]), []);
        assert_eq!(shown(Variant::ALL), (0..200).collect::<Vec<_>>());
        assert!(places.has(Variant::Poison) && !places.has(Variant::Vote));
    }
}
