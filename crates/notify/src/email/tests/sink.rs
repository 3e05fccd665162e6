//! For tests: a mail server on this machine that speaks as much SMTP as a client needs (RFC 5321),
//! keeps what it is given, and fails where it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Which connection it came over, from 0.
    pub(crate) line: usize,
    /// The arguments of MAIL and RCPT.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Its lines, as they are meant.
    pub(crate) data: String,
}

impl Mail {
    /// The headers, with those of several lines in one.
    pub(crate) fn headers(&self) -> Vec<String> {
        let (head, _) = self.data.split_once("\n\n").unwrap();
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        unfolded.lines().map(str::to_owned).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let begin = format!("{}: ", name.to_lowercase());
        let found = self.headers();
        let header = found
            .iter()
            .find(|header| header.to_lowercase().starts_with(&begin))?;
        Some(header[begin.len()..].to_owned())
    }
}

/// What a server does instead of what it should.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Answers with this line.
    Say(&'static str),
    /// Answers nothing.
    Nothing,
    /// Closes the connection.
    Close,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    lines: usize,
    /// By the command, or `.` for the end of a mail.
    faults: BTreeMap<&'static str, Fault>,
}

/// A mail server; it ends with its value.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    silent: Arc<Notify>,
    leaving: Arc<Notify>,
    _serving: JoinSet<()>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let (silent, leaving) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let (shared, noted) = (Arc::clone(&state), Arc::clone(&silent));
        let left = Arc::clone(&leaving);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, silent) = (Arc::clone(&shared), Arc::clone(&noted));
                let leaving = Arc::clone(&left);
                lines.spawn(async move {
                    // A client that leaves ends the talk.
                    tokio::select! {
                        biased;
                        () = leaving.notified() => {}
                        _ = serve(stream, &state, &silent) => {}
                    }
                });
            }
        });
        Self {
            address,
            state,
            silent,
            leaving,
            _serving: serving,
        }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.state.lock().unwrap().mails.clone()
    }

    /// Connections so far.
    pub(crate) fn lines(&self) -> usize {
        self.state.lock().unwrap().lines
    }

    /// From now on this command meets this fault.
    pub(crate) fn fail(&self, command: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.insert(command, fault);
    }

    /// Waits until a command meets [`Fault::Nothing`].
    pub(crate) async fn silent(&self) {
        self.silent.notified().await;
    }

    /// Closes all connections.
    pub(crate) fn hang_up(&self) {
        self.leaving.notify_waiters();
    }

    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().faults.clear();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    state: &Mutex<State>,
    silent: &Notify,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let line = {
        let mut state = state.lock().unwrap();
        state.lines += 1;
        state.lines - 1
    };
    let mut mail = None;
    let mut command = "CONNECT".to_owned();
    let mut argument = String::new();
    loop {
        let fault = state.lock().unwrap().faults.get(&*command).copied();
        let reply = match fault {
            Some(Fault::Close) => return Ok(()),
            Some(Fault::Nothing) => {
                silent.notify_one();
                ""
            }
            Some(Fault::Say(reply)) => reply,
            None => obey(&command, &argument, line, &mut mail, state),
        };
        if !reply.is_empty() {
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
        if command == "DATA" && reply.starts_with("354") {
            let data = data(&mut stream).await?;
            if let Some(mail) = &mut mail {
                mail.data = data;
            }
            (command, argument) = (".".to_owned(), String::new());
            continue;
        }
        let mut text = String::new();
        if command == "QUIT" || stream.read_line(&mut text).await? == 0 {
            return Ok(());
        }
        let (verb, rest) = text
            .trim_end()
            .split_once(' ')
            .unwrap_or((text.trim_end(), ""));
        (command, argument) = (verb.to_uppercase(), rest.to_owned());
    }
}

/// Does what a command says, and answers.
fn obey(
    command: &str,
    argument: &str,
    line: usize,
    mail: &mut Option<Mail>,
    state: &Mutex<State>,
) -> &'static str {
    match (command, mail) {
        ("CONNECT", _) => "220 sink",
        ("EHLO", _) => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN",
        ("MAIL", mail) => {
            *mail = Some(Mail {
                line,
                from: argument.to_owned(),
                to: Vec::new(),
                data: String::new(),
            });
            "250 go on"
        }
        ("RCPT", Some(mail)) => {
            mail.to.push(argument.to_owned());
            "250 go on"
        }
        ("DATA", Some(mail)) if !mail.to.is_empty() => "354 go on",
        (".", mail) => {
            state.lock().unwrap().mails.extend(mail.take());
            "250 2.0.0 kept"
        }
        ("RSET", mail) => {
            *mail = None;
            "250 forgotten"
        }
        ("NOOP", _) => "250 here",
        ("AUTH", _) => "235 come in",
        ("QUIT", _) => "221 bye",
        _ => "503 not now",
    }
}

/// The lines of a mail up to the dot, without the dots that were added to them.
async fn data(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end_matches("\r\n") {
            "." => return Ok(data),
            text => {
                data.push_str(text.strip_prefix('.').unwrap_or(text));
                data.push('\n');
            }
        }
    }
}
