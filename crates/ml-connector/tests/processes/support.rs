//! Starting processes, asking them, and waiting for what they do.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

/// The secret of the app at Pipedrive.
pub(crate) const APP_SECRET: &str = "hush-client-secret";

/// A process that does not outlive its test, and everything it said.
pub(crate) struct Running {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a process and reads until it said `wanted` lines that contain `mark`.
    pub(crate) fn start(arguments: &[&str], mark: &str, wanted: usize) -> (Self, Vec<String>) {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut talk = BufReader::new(child.stderr.take().expect("stderr")).lines().map_while(Result::ok);
        let (mut found, mut all) = (Vec::new(), String::new());
        for line in talk.by_ref() {
            all.push_str(&line);
            all.push('\n');
            found.extend(line.contains(mark).then_some(line));
            if found.len() == wanted {
                break;
            }
        }
        assert_eq!(found.len(), wanted, "the process ended before it said so: {arguments:?}\n{all}");
        let said = Arc::new(Mutex::new(all));
        let kept = Arc::clone(&said);
        // The pipe is kept drained, or the process would stop at its next word.
        let reader = std::thread::spawn(move || {
            for line in talk {
                let mut said = kept.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
            }
        });
        (Self { child, said, reader: Some(reader) }, found)
    }

    /// Ends it (if it does not end by itself), and tells its exit code and all that it said on stderr and stdout.
    pub(crate) fn end(mut self, kill: bool) -> (Option<i32>, String, String) {
        if kill {
            let _ = self.child.kill();
        }
        let mut data = String::new();
        let _ = self.child.stdout.take().expect("stdout").read_to_string(&mut data);
        let status = self.child.wait().expect("it ended");
        self.reader.take().expect("a reader").join().expect("it read all");
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (status.code(), said, data)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, with all secrets that a configuration of these tests may name.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    command.args(arguments).env_remove("MLC_CONFIG").envs([
        ("FUSION_CLIENT_SECRET", "a secret"),
        ("PIPEDRIVE_API_TOKEN", &"a1".repeat(20)),
        ("PIPEDRIVE_CLIENT_SECRET", APP_SECRET),
        ("MLC_MASTER_KEY", &"ab".repeat(32)),
    ]);
    command
}

/// Runs a command with this configuration to its end.
pub(crate) fn run(file: &str, arguments: &[&str]) -> Output {
    command(&[arguments, &["--config", file]].concat()).output().expect("the binary runs")
}

/// What it wrote to stdout, when it ended as it should.
pub(crate) fn json(output: &Output, code: i32) -> Value {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{talk}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).expect("one JSON value")
}

/// Both simulators in one process, and their addresses: host and port.
pub(crate) fn simulators(customers: &str, more: &[&str]) -> (Running, [String; 2]) {
    let fixed = ["sim", "--fusion", "127.0.0.1:0", "--pipedrive", "127.0.0.1:0", "--customers", customers];
    let (process, lines) = Running::start(&[&fixed[..], more].concat(), "on http://", 2);
    let address = |index: usize| lines[index].split_once("http://").expect("an address").1.to_owned();
    (process, [address(0), address(1)])
}

/// An address that is free now: for a door whose address has to be known before it is open.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// The configuration of the README, with the addresses of this test.
pub(crate) fn example(simulators: &[String; 2], door: &str) -> String {
    include_str!("../example.toml")
        .replace("127.0.0.1:7001", &simulators[0])
        .replace("127.0.0.1:7002", &simulators[1])
        .replace("127.0.0.1:8080", door)
        // A killed daemon is taken for dead after this time.
        .replace("[web]", "lease = \"2s\"\n[web]")
}

/// An answer as it came over a socket of its own. Status 0: the connection was closed without one.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One request; nothing is followed.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(host) {
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        // Who is refused early may find the socket closed while it still sends.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body));
        let _ = stream.read_to_end(&mut answer);
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Asks again and again until it is so. The runner of the tests ends what never comes to an end
/// (`.config/nextest.toml`) and shows what was waited for.
#[expect(clippy::print_stderr, reason = "shown when the test fails")]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    eprintln!("waiting until: {what}");
    loop {
        if let Some(found) = look() {
            return found;
        }
        // The others need the processor more than this one.
        std::thread::yield_now();
    }
}
