//! Tasks without which a box only looks alive. One that ends before its time, by panic or otherwise, ends the agent; what
//! it held is on disk, and whoever supervises the agent starts it again.

use std::collections::HashMap;
use std::future::pending;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::timeout;

#[derive(Default)]
pub(crate) struct Supervised {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Supervised {
    pub(crate) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// The name of the next that ends. Nothing is lost when this is dropped.
    pub(crate) async fn ended(&mut self) -> &'static str {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(panicked)) => panicked.id(),
            None => return pending().await,
        };
        self.names.get(&id).copied().unwrap_or("a task")
    }

    /// Waits for those that were told to stop; each gets so long after the one before.
    pub(crate) async fn stopped(mut self, each: Duration) {
        while let Ok(Some(_)) = timeout(each, self.tasks.join_next()).await {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one that panics is named, the patient one is not, and the end does not wait for ever.
    #[tokio::test(start_paused = true)]
    async fn a_dead_task_is_named() {
        let mut tasks = Supervised::default();
        tasks.spawn("patient", pending());
        tasks.spawn("broken", async { panic!("on purpose") });
        assert_eq!(tasks.ended().await, "broken");
        assert!(timeout(Duration::from_secs(60), tasks.ended()).await.is_err(), "the patient one goes on");
        tasks.stopped(Duration::from_secs(1)).await;
    }
}
