//! A server run as a child process that never outlives this one, and what its starter asks of it.

use std::{
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

/// The most of a log that an error quotes.
const QUOTED_BYTES: usize = 1500;
/// How long a server that is starting may take for one answer before it is asked again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// A running child process. Killed when it is dropped, and by the kernel when this process dies in any way.
///
/// The child is spawned and waited for by a thread of its own, because to the kernel the death of the spawning *thread*
/// is the death of the parent, and the threads of an async runtime come and go.
pub(crate) struct ServerProcess {
    /// `None` once the child has been reaped, when its number may already be another process's.
    pid: Arc<Mutex<Option<Pid>>>,
    /// Number of the process while it ran, for messages and tests.
    id: u32,
    exit: watch::Receiver<Option<ExitStatus>>,
    waiter: Option<JoinHandle<()>>,
}

impl ServerProcess {
    /// Starts `command` with both its outputs going to `log`.
    pub(crate) fn spawn(mut command: Command, log: File) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        lastro_libchdb::die_with_parent(&mut command);
        let pid = Arc::new(Mutex::new(None));
        let (exit_sender, exit) = watch::channel(None);
        let (started_sender, started) = mpsc::channel();
        let shared_pid = Arc::clone(&pid);
        let waiter = std::thread::Builder::new()
            .name("server-process".to_owned())
            .spawn(move || {
                match command.spawn() {
                    Ok(child) => {
                        set(&shared_pid, pid_of(&child));
                        // The receiver is gone only if the caller panicked meanwhile; the child is still waited for.
                        let _ = started_sender.send(Ok(child.id()));
                        exit_sender.send_replace(Some(reap(child, &shared_pid)));
                    }
                    Err(error) => {
                        let _ = started_sender.send(Err(error));
                    }
                }
            })?;
        let id = started
            .recv()
            .map_err(|_| io::Error::other("the thread that starts the process ended"))??;
        Ok(Self {
            pid,
            id,
            exit,
            waiter: Some(waiter),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// `None` while the process runs.
    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits until the process has ended, for whatever reason.
    pub(crate) async fn exited(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let status = exit
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|status| *status);
        // The waiting thread ends without a status only by a panic; the process then counts as killed.
        status.unwrap_or_else(|| ExitStatus::from_raw(Signal::KILL.as_raw()))
    }

    /// Asks the process to end, and kills it when it has not done so after `patience`.
    pub(crate) async fn stop(&self, patience: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        match timeout(patience, self.exited()).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        }
    }

    /// Kills the process at once and waits until it is gone.
    pub(crate) async fn kill(&self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.exited().await
    }

    fn signal(&self, signal: Signal) {
        let pid = self.pid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *pid {
            // It fails only for a process that is ending anyway: the lock keeps it from being reaped here.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for ServerProcess {
    /// Waits until the process is gone, so that its ports and files are free afterwards.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// The end of a log, on one line.
pub(crate) fn log_tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text =
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(QUOTED_BYTES)..]).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sends an HTTP/1.0 request to a port of 127.0.0.1 and gives the body of a 200 answer; `None` while the server is not
/// ready to give one. It needs nothing of the program's own HTTP clients, which are set up after the servers.
pub(crate) async fn probe(port: u16, request: &str) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let answer = timeout(ANSWER_PATIENCE, exchange).await.ok()?.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.lines().next()?.split(' ').nth(1)? == "200").then(|| body.to_owned())
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn set(shared: &Mutex<Option<Pid>>, pid: Option<Pid>) {
    *shared.lock().unwrap_or_else(PoisonError::into_inner) = pid;
}

/// Waits for the child's end and forgets its number before the kernel may give it to another process.
fn reap(mut child: Child, shared: &Mutex<Option<Pid>>) -> ExitStatus {
    if let Some(pid) = pid_of(&child) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
    set(shared, None);
    child
        .wait()
        .unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ServerProcess {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        ServerProcess::spawn(command, tempfile::tempfile().unwrap()).unwrap()
    }

    fn is_running(id: u32) -> bool {
        std::path::Path::new(&format!("/proc/{id}")).exists()
    }

    #[tokio::test]
    async fn exit_status_is_told() {
        let process = shell("exit 3");
        assert_eq!(process.exited().await.code(), Some(3));
        assert_eq!(
            process.exit_status().and_then(|status| status.code()),
            Some(3)
        );
        // Stopping what has ended changes nothing.
        assert_eq!(process.stop(Duration::from_secs(1)).await.code(), Some(3));
    }

    #[tokio::test]
    async fn stop_asks_first_and_kills_then() {
        let polite = shell("trap 'exit 7' TERM; while :; do sleep 0.05; done");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(polite.stop(Duration::from_secs(20)).await.code(), Some(7));
        let deaf = shell("trap '' TERM; while :; do sleep 0.05; done");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(
            deaf.stop(Duration::from_millis(200)).await.signal(),
            Some(9)
        );
    }

    #[tokio::test]
    async fn dropping_kills_and_reaps() {
        let process = shell("exec sleep 600");
        let id = process.id();
        assert!(is_running(id));
        drop(process);
        assert!(!is_running(id));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let command = Command::new("/nonexistent/program");
        let error = ServerProcess::spawn(command, tempfile::tempfile().unwrap())
            .err()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
