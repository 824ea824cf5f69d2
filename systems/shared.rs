//! The connection that all publishes of a client share.

use std::sync::Arc;
use tokio::{sync::Mutex, time::Instant};

/// One connection at a time; it is made when somebody wants it, and given up when it has failed.
#[derive(Debug)]
pub(crate) struct Shared<C> {
    state: Mutex<State<C>>,
}

#[derive(Debug)]
struct State<C> {
    open: Option<Arc<C>>,
    /// Of the one that is open, or that is made next: it grows with each that was given up or could not be made.
    number: usize,
    /// When none could be made last, and why.
    failed: Option<(Instant, String)>,
}

impl<C> Shared<C> {
    /// None is open yet; the first one has this number.
    pub(crate) fn numbered_from(number: usize) -> Self {
        Self { state: Mutex::new(State { open: None, number, failed: None }) }
    }

    /// The connection that is open, if one is, and its number.
    pub(crate) async fn open(&self) -> Option<(Arc<C>, usize)> {
        let state = self.state.lock().await;
        Some((state.open.clone()?, state.number))
    }

    /// The connection, and its number. If none is open, or the one that is does not work any more, `make` makes one, given its
    /// number. Who waited while others tried that in vain does not try again.
    ///
    /// # Errors
    /// Why none could be made.
    pub(crate) async fn get(
        &self,
        works: impl Fn(&C) -> bool,
        make: impl AsyncFnOnce(usize) -> Result<C, String>,
    ) -> Result<(Arc<C>, usize), String> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            if works(open) {
                return Ok((open.clone(), state.number));
            }
            state.open = None;
            state.number += 1;
        }
        if let Some((when, why)) = &state.failed
            && *when > asked
        {
            return Err(why.clone());
        }
        match make(state.number).await {
            Ok(made) => {
                let made = Arc::new(made);
                state.open = Some(made.clone());
                Ok((made, state.number))
            }
            Err(why) => {
                state.number += 1;
                state.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    /// The connection with this number has failed: the next one who wants one makes it, unless somebody has done so already.
    pub(crate) async fn give_up(&self, number: usize) {
        let mut state = self.state.lock().await;
        if state.number == number {
            state.open = None;
            state.number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test]
    async fn a_connection_is_shared_until_it_is_given_up_once() {
        let shared = Shared::numbered_from(3);
        let make = async |number: usize| Ok(number * 10);
        assert_eq!(shared.open().await, None);
        let (first, number) = shared.get(|_| true, make).await.unwrap();
        assert_eq!((*first, number), (30, 3));
        assert_eq!(shared.get(|_| true, make).await, Ok((first, 3)));
        // Two publishes have failed on it: that is one failure of the connection.
        shared.give_up(3).await;
        shared.give_up(3).await;
        assert_eq!(shared.get(|_| true, make).await, Ok((Arc::new(40), 4)));
        shared.give_up(3).await;
        assert_eq!(shared.open().await, Some((Arc::new(40), 4)));
        assert_eq!(shared.get(|_| false, make).await, Ok((Arc::new(50), 5)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_a_failure_does_not_try_again() {
        let shared = Shared::<usize>::numbered_from(0);
        let fail = async |number: usize| {
            sleep(Duration::from_secs(1)).await;
            Err(format!("attempt {number}"))
        };
        let (one, two) = tokio::join!(shared.get(|_| true, fail), shared.get(|_| true, fail));
        assert_eq!((one, two), (Err("attempt 0".to_owned()), Err("attempt 0".to_owned())));
        assert_eq!(shared.get(|_| true, fail).await, Err("attempt 1".to_owned()));
    }
}
