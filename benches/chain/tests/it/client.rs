//! A JSON-RPC client of few words, so that nothing is between the tests and the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends a body as it is; gives status and body of the answer, `None` when the node hung up.
    pub(crate) fn try_post(&mut self, body: &str) -> Option<(u16, String)> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: node\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream
            .get_mut()
            .write_all([head.as_bytes(), body.as_bytes()].concat().as_slice())
            .ok()?;
        self.read_answer()
    }

    pub(crate) fn post(&mut self, body: &str) -> (u16, String) {
        self.try_post(body).unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> (u16, String) {
        write!(
            self.stream.get_mut(),
            "GET {path} HTTP/1.1\r\nhost: node\r\n\r\n"
        )
        .unwrap();
        self.read_answer().unwrap()
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value, (i64, String)> {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let (status, body) = self.post(&request.to_string());
        assert_eq!(status, 200);
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&answer["id"], &answer["jsonrpc"]),
            (&json!(7), &json!("2.0"))
        );
        match answer.get("error") {
            Some(error) => Err((
                error["code"].as_i64().unwrap(),
                error["message"].as_str().unwrap().to_owned(),
            )),
            None => Ok(answer["result"].take()),
        }
    }

    fn read_answer(&mut self) -> Option<(u16, String)> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Some((status, String::from_utf8(body).unwrap()))
    }
}
