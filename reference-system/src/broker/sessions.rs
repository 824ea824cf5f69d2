//! Which members of which groups are alive, as far as this leader has heard.

use super::state::group::Group;
use squall_probe::time::Instant;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A member that was silent for longer has left.
pub(super) const SESSION: Duration = Duration::from_millis(1500);

type GroupAndMember = (Arc<str>, Arc<str>);

/// When each member was last heard of. Only the leader's sessions count.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<GroupAndMember, Instant>);

impl Sessions {
    pub(super) fn heard(&mut self, group: &Arc<str>, member: &Arc<str>) {
        self.0.insert((group.clone(), member.clone()), Instant::now());
    }

    /// Everybody gets a fresh session: another leader has heard of them, not I.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Members whose sessions are over. They are told once, and again after another session.
    pub(super) fn expired(
        &mut self,
        groups: &BTreeMap<Arc<str>, Group>,
        now: Instant,
    ) -> Vec<GroupAndMember> {
        let mut expired = Vec::new();
        for (group, state) in groups {
            for member in &state.members {
                let heard = self.0.entry((group.clone(), member.clone())).or_insert(now);
                if now - *heard > SESSION {
                    *heard = now;
                    expired.push((group.clone(), member.clone()));
                }
            }
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_member_is_expired_once_a_session() {
        let names: [Arc<str>; 3] = ["g".into(), "quiet".into(), "loud".into()];
        let [group, quiet, loud] = &names;
        let mut known = Group::default();
        known.members.extend([quiet.clone(), loud.clone()]);
        let groups = [(group.clone(), known)].into();
        let mut sessions = Sessions::default();
        // A leader that has just begun has heard of nobody, and grants each a session.
        assert!(sessions.expired(&groups, Instant::now()).is_empty());
        tokio::time::advance(SESSION).await;
        sessions.heard(group, loud);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(sessions.expired(&groups, Instant::now()), [(group.clone(), quiet.clone())]);
        assert!(sessions.expired(&groups, Instant::now()).is_empty());
        tokio::time::advance(SESSION * 2).await;
        let mut both = sessions.expired(&groups, Instant::now());
        both.sort();
        assert_eq!(both, [(group.clone(), loud.clone()), (group.clone(), quiet.clone())]);
    }
}
