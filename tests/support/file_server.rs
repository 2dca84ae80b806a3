//! A small server of files on loopback, with the habits of bad ones.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How a path is answered.
#[derive(Clone, Debug)]
pub enum Habit {
    /// With these headers and this body, its length said.
    Gives(Vec<(&'static str, String)>, Vec<u8>),
    /// With so many bytes in pieces, without saying how many.
    Pours(usize),
    /// With a body shorter than it says, then the end.
    Cuts { says: usize, gives: usize },
    /// With a body longer than it says.
    Overflows { says: usize, gives: usize },
    /// With another address.
    Sends(String),
    /// With a status and no body.
    Refuses(u16),
    /// With silence.
    Sleeps,
    /// With one after the other; the last for good.
    Turns(Vec<Habit>),
}

type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A running server.
pub struct FileServer {
    /// `127.0.0.1:PORT`.
    pub host: String,
    habits: Arc<Mutex<BTreeMap<String, Habit>>>,
    seen: Seen,
}

impl FileServer {
    /// Serves these paths; others are not there.
    pub fn start(habits: &[(&str, Habit)]) -> FileServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let habits: BTreeMap<String, Habit> = habits
            .iter()
            .map(|(p, h)| ((*p).to_owned(), h.clone()))
            .collect();
        let habits = Arc::new(Mutex::new(habits));
        let seen = Seen::default();
        let server = FileServer {
            host,
            habits: Arc::clone(&habits),
            seen: Arc::clone(&seen),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (habits, seen) = (Arc::clone(&habits), Arc::clone(&seen));
                // Whoever is not listened to any more stops talking.
                thread::spawn(move || drop(answer(stream, &habits, &seen)));
            }
        });
        server
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Answers a path otherwise from now on.
    pub fn set(&self, path: &str, habit: Habit) {
        let mut habits = self.habits.lock().expect("habits");
        habits.insert(path.to_owned(), habit);
    }

    /// The paths asked for so far, each with the key that came along.
    pub fn seen(&self) -> Vec<(String, Option<String>)> {
        self.seen.lock().expect("seen").clone()
    }

    /// How often a path was asked for.
    pub fn times(&self, path: &str) -> usize {
        self.seen().iter().filter(|(p, _)| p == path).count()
    }
}

fn answer(
    mut stream: TcpStream,
    habits: &Mutex<BTreeMap<String, Habit>>,
    seen: &Mutex<Vec<(String, Option<String>)>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or("/");
    let path = path.split('?').next().unwrap_or("/").to_owned();
    let key = head.lines().find_map(|l| {
        l.to_ascii_lowercase()
            .starts_with("authorization:")
            .then(|| l[14..].trim().to_owned())
    });
    let habit = {
        let mut habits = habits.lock().expect("habits");
        let habit = match habits.get_mut(&path) {
            Some(Habit::Turns(list)) if list.len() > 1 => list.remove(0),
            Some(Habit::Turns(list)) => list[0].clone(),
            Some(other) => other.clone(),
            None => Habit::Refuses(404),
        };
        seen.lock().expect("seen").push((path, key));
        habit
    };
    let said = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n")
    };
    match habit {
        Habit::Gives(headers, body) => {
            let mut out = said(body.len());
            for (name, value) in headers {
                out.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.write_all(format!("{out}\r\n").as_bytes())?;
            stream.write_all(&body)
        }
        Habit::Pours(bytes) => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
            )?;
            let piece = vec![b'x'; 1 << 16];
            let mut left = bytes;
            while left > 0 {
                let now = left.min(piece.len());
                stream.write_all(format!("{now:x}\r\n").as_bytes())?;
                stream.write_all(&piece[..now])?;
                stream.write_all(b"\r\n")?;
                left -= now;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Habit::Cuts { says, gives } | Habit::Overflows { says, gives } => {
            stream.write_all(format!("{}\r\n", said(says)).as_bytes())?;
            stream.write_all(&vec![b'y'; gives])
        }
        Habit::Sends(to) => {
            let out = format!(
                "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
            );
            stream.write_all(out.as_bytes())
        }
        Habit::Refuses(status) => {
            let out =
                format!("HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(out.as_bytes())
        }
        Habit::Sleeps | Habit::Turns(_) => {
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }
    }
}
