//! Time, with tokio's names: what waits here waits with tokio's timers in production, and with the simulation's in one.
//!
//! tokio's own work in a simulation too. But nobody can ask a runtime for its next timer, so virtual time cannot jump over
//! what it waits for; over what waits here it can, in a system that says that it waits nowhere else.
//!
//! ```
//! use squall_probe::time::{Duration, Instant, sleep, timeout};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let began = Instant::now();
//! sleep(Duration::from_millis(2)).await;
//! assert!(began.elapsed() >= Duration::from_millis(2));
//! let never = std::future::pending::<()>();
//! assert!(timeout(Duration::from_millis(1), never).await.is_err());
//! # }
//! ```

#[cfg(feature = "sim")]
use crate::sim::Timer;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::{Future, IntoFuture, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll},
};
pub use tokio::time::{Duration, Instant, MissedTickBehavior};

/// Without the simulated half there is no other timer than tokio's.
#[cfg(not(feature = "sim"))]
#[derive(Debug)]
enum Timer {}

#[cfg(not(feature = "sim"))]
impl Timer {
    fn at(_: Instant) -> Option<Self> {
        None
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match *self {}
    }
}

/// Farther than anybody waits, as tokio has it: thirty years.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

/// Waits until `duration` has passed, a whole number of milliseconds.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(after(Instant::now(), duration))
}

/// Waits until `deadline`.
pub fn sleep_until(deadline: Instant) -> Sleep {
    let timer = Timer::at(deadline);
    let tokio = timer.is_none().then(|| tokio::time::sleep_until(deadline));
    Sleep { tokio, timer, deadline }
}

fn after(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration).unwrap_or_else(|| now + FAR)
}

pin_project! {
    /// Waits until its deadline, as tokio's future of this name.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Sleep {
        #[pin]
        tokio: Option<tokio::time::Sleep>,
        timer: Option<Timer>,
        deadline: Instant,
    }
}

impl Sleep {
    /// When it is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        match &self.tokio {
            Some(tokio) => tokio.is_elapsed(),
            None => Instant::now() >= self.deadline,
        }
    }

    /// Waits until another time.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        if let Some(tokio) = this.tokio.as_pin_mut() {
            return tokio.reset(deadline);
        }
        *this.timer = Timer::at(deadline);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(tokio) = this.tokio.as_pin_mut() {
            return tokio.poll(context);
        }
        match this.timer {
            Some(timer) => timer.poll(context),
            None => Poll::Ready(()),
        }
    }
}

/// A deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> Self {
        io::ErrorKind::TimedOut.into()
    }
}

pin_project! {
    /// A future that has until a deadline, as tokio's of this name.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        delay: Sleep,
    }
}

/// Gives a future `duration` to complete.
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), delay: sleep(duration) }
}

/// Gives a future until `deadline` to complete.
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), delay: sleep_until(deadline) }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(context) {
            return Poll::Ready(Ok(value));
        }
        this.delay.poll(context).map(|()| Err(Elapsed(())))
    }
}

/// Ticks every `period`, at once for the first time.
///
/// # Panics
/// The period is zero.
#[must_use]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks every `period`, at `start` for the first time.
///
/// # Panics
/// The period is zero.
#[must_use]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "`period` must be non-zero.");
    let behavior = MissedTickBehavior::default();
    Interval { delay: Box::pin(sleep_until(start)), period, behavior }
}

/// Ticks, as tokio's type of this name.
#[derive(Debug)]
pub struct Interval {
    delay: Pin<Box<Sleep>>,
    period: Duration,
    behavior: MissedTickBehavior,
}

/// Who is this late has missed a tick, as tokio has it.
const LATE: Duration = Duration::from_millis(5);

impl Interval {
    /// The next tick: when it was due.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|context| self.poll_tick(context)).await
    }

    /// As [`Interval::tick`].
    pub fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<Instant> {
        if self.delay.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let (due, now) = (self.delay.deadline(), Instant::now());
        let late = now.saturating_duration_since(due);
        let next = match self.behavior {
            MissedTickBehavior::Delay if late > LATE => after(now, self.period),
            MissedTickBehavior::Skip if late > LATE => {
                let into = late.as_nanos() % self.period.as_nanos();
                let into = Duration::from_nanos(u64::try_from(into).unwrap_or(0));
                after(now, self.period.saturating_sub(into))
            }
            _ => after(due, self.period),
        };
        self.delay.as_mut().reset(next);
        Poll::Ready(due)
    }

    /// The next tick is due a period from now.
    pub fn reset(&mut self) {
        let next = after(Instant::now(), self.period);
        self.delay.as_mut().reset(next);
    }

    /// The next tick is due now.
    pub fn reset_immediately(&mut self) {
        self.delay.as_mut().reset(Instant::now());
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What becomes of ticks that were missed.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Says what becomes of ticks that are missed.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the ticks of both were due, and when they came, of an interval of ten milliseconds that is asked late.
    async fn ticks(behavior: MissedTickBehavior) -> [Vec<(Duration, Duration)>; 2] {
        let (start, period) = (Instant::now(), Duration::from_millis(10));
        let (mut ours, mut theirs) = (interval(period), tokio::time::interval(period));
        ours.set_missed_tick_behavior(behavior);
        theirs.set_missed_tick_behavior(behavior);
        let mut seen = [Vec::new(), Vec::new()];
        for late in [0, 3, 14, 0, 37, 0, 0, 0, 0, 5] {
            tokio::time::sleep(Duration::from_millis(late)).await;
            let (mine, other) =
                tokio::join!(async { (ours.tick().await - start, start.elapsed()) }, async {
                    (theirs.tick().await - start, start.elapsed())
                },);
            seen[0].push(mine);
            seen[1].push(other);
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_ticks_as_tokios_does() {
        use MissedTickBehavior::{Burst, Delay, Skip};
        for behavior in [Burst, Delay, Skip] {
            let [ours, theirs] = ticks(behavior).await;
            assert_eq!(ours, theirs, "{behavior:?}");
        }
        // They differ, so the test would notice which is which.
        let [burst, _] = ticks(Burst).await;
        let [delay, _] = ticks(Delay).await;
        let [skip, _] = ticks(Skip).await;
        assert!(burst != delay && delay != skip && skip != burst);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_ready_by_its_deadline_has_elapsed() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        assert_eq!(timeout(ms(10), async { sleep(ms(9)).await }).await, Ok(()));
        assert_eq!(timeout(ms(10), std::future::pending::<()>()).await, Err(Elapsed(())));
        assert_eq!(start.elapsed(), ms(19));
        // Of two that come at once, what is ready counts.
        assert_eq!(timeout(ms(10), sleep(ms(10))).await, Ok(()));
        assert_eq!(timeout_at(start, std::future::pending::<()>()).await, Err(Elapsed(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_that_is_reset_waits_for_the_other_time() {
        let start = Instant::now();
        let mut wait = Box::pin(sleep(Duration::from_millis(10)));
        wait.as_mut().reset(start + Duration::from_millis(30));
        assert!(!wait.is_elapsed());
        wait.as_mut().await;
        assert_eq!((start.elapsed(), wait.is_elapsed()), (Duration::from_millis(30), true));
    }
}
