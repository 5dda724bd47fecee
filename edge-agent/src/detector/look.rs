//! What a lane runs: detectors and the pose model behind one face.

use protocol::Label;

use super::{Detect, DetectError};
use crate::frame::{Detection, Picture};

/// A model that says something of each picture it is shown.
pub(super) trait Look: Send + 'static {
    type Says: Clone + Send + 'static;

    fn name(&self) -> &str;
    /// What it can name.
    fn labels(&self) -> &[Label];
    /// What people should know of how it runs.
    fn note(&self) -> Option<&str>;
    /// It is there because what was asked for is not.
    fn stands_in(&self) -> bool {
        false
    }
    /// Pictures that one inference takes.
    fn batch(&self) -> usize;
    fn look(&mut self, pictures: &[&Picture]) -> Result<Vec<Self::Says>, DetectError>;
}

impl Look for Box<dyn Detect> {
    type Says = Vec<Detection>;

    fn name(&self) -> &str {
        self.as_ref().name()
    }

    fn labels(&self) -> &[Label] {
        self.as_ref().labels()
    }

    fn note(&self) -> Option<&str> {
        self.as_ref().note()
    }

    fn stands_in(&self) -> bool {
        self.as_ref().stands_in()
    }

    fn batch(&self) -> usize {
        self.as_ref().batch()
    }

    fn look(&mut self, pictures: &[&Picture]) -> Result<Vec<Self::Says>, DetectError> {
        self.detect_batch(pictures)
    }
}

/// Makes the model, at start and again after a failure.
pub type Loader<L = Box<dyn Detect>> = Box<dyn FnMut() -> Result<L, DetectError> + Send>;
