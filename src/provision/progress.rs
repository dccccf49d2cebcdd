//! Tells the user what is fetched and why: a spinner on a terminal, log lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// One step that takes long. Ends when it is dropped.
pub(super) struct Progress {
    spinner: Option<ProgressBar>,
    step: String,
    started: Instant,
}

impl Progress {
    /// `step` in the form "fetching X, N MB, because Y".
    pub(super) fn start(step: String) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| spinner(&step));
        if spinner.is_none() {
            tracing::info!("{step}");
        }
        Self {
            spinner,
            step,
            started: Instant::now(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        tracing::debug!(
            elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).ok(),
            "ended {}",
            self.step
        );
    }
}

fn spinner(step: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(step.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
