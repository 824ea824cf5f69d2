//! What is compared with what.
//!
//! What is compared is measured in turns (A B A B …), so that a machine that slows down or works for others slows both
//! sides. A ratio is the median of the rounds' ratios.

/// Measured several times.
#[derive(Clone, Debug)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
    }

    /// Half of the distance between the quartiles, as a share of the median.
    pub fn spread(&self) -> f64 {
        let sorted = self.sorted();
        let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        (at(0.75) - at(0.25)) / 2.0 / self.median()
    }

    /// Round by round.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    pub fn map(&self, act: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().copied().map(act).collect())
    }
}

/// What is measured: a piece of work, and how many seconds it took.
pub type Piece<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Measures `pieces` in turns, `rounds` times after one turn that does not count; once, cold, if there are no rounds.
pub fn in_turns(rounds: usize, pieces: &mut [Piece<'_>]) -> Vec<Samples> {
    let mut all: Vec<Samples> = pieces.iter().map(|_| Samples(Vec::new())).collect();
    for round in 0..=rounds {
        for (piece, samples) in pieces.iter_mut().zip(&mut all) {
            let seconds = piece();
            if round > 0 || rounds == 0 {
                samples.0.push(seconds);
            }
        }
    }
    all
}
