//! A client that sends exactly the bytes it is told to.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// A field of an error or notice.
    pub(super) fn field(&self, kind: u8) -> Option<String> {
        self.body
            .split(|byte| *byte == 0)
            .find(|field| field.first() == Some(&kind))
            .map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
    }
}

pub(super) struct Raw {
    pub(super) stream: TcpStream,
}

impl Raw {
    pub(super) async fn connect(addr: SocketAddr) -> Raw {
        let stream = TcpStream::connect(addr).await.unwrap();
        // Else the second part of a message waits until the first is acknowledged, up to 40 ms.
        stream.set_nodelay(true).unwrap();
        Raw { stream }
    }

    /// Connects and completes the startup.
    pub(super) async fn start(addr: SocketAddr) -> Raw {
        let mut raw = Raw::connect(addr).await;
        raw.send(&startup(196_608, &[("user", "raw")])).await;
        raw.until(b'Z').await;
        raw
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next message; `None` when the server has closed the connection.
    pub(super) async fn next(&mut self) -> Option<Message> {
        let read = async {
            let mut header = [0; 5];
            self.stream.read_exact(&mut header).await.ok()?;
            let length = i32::from_be_bytes([header[1], header[2], header[3], header[4]]);
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            self.stream.read_exact(&mut body).await.ok()?;
            Some(Message { tag: header[0], body })
        };
        tokio::time::timeout(Duration::from_secs(30), read).await.expect("an answer within 30 s")
    }

    /// All messages up to and with the first of this type.
    pub(super) async fn until(&mut self, tag: u8) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await.expect("the connection is open");
            let last = message.tag == tag;
            messages.push(message);
            if last {
                return messages;
            }
        }
    }

    /// The types of the messages up to and with the first of this type.
    pub(super) async fn tags_until(&mut self, tag: u8) -> String {
        self.until(tag).await.iter().map(|message| char::from(message.tag)).collect()
    }

    /// The error the server ends the connection with.
    pub(super) async fn last_words(&mut self) -> Message {
        let message = self.next().await.expect("an error before the end");
        assert_eq!(message.tag, b'E');
        assert_eq!(self.next().await, None, "the connection is closed");
        message
    }
}

/// A startup packet.
pub(super) fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        for text in [name, value] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    let mut packet = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    packet.extend_from_slice(&body);
    packet
}

/// A message with a type byte.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A simple query.
pub(super) fn query(text: &str) -> Vec<u8> {
    message(b'Q', format!("{text}\0").as_bytes())
}

/// Parse without declared types.
pub(super) fn parse(name: &str, text: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{text}\0\0\0").as_bytes())
}

/// Bind of text parameters to the unnamed portal, with text results.
pub(super) fn bind(statement: &str, parameters: &[&str]) -> Vec<u8> {
    let mut body = format!("\0{statement}\0\0\0").into_bytes();
    body.extend_from_slice(&u16::try_from(parameters.len()).unwrap().to_be_bytes());
    for parameter in parameters {
        body.extend_from_slice(&u32::try_from(parameter.len()).unwrap().to_be_bytes());
        body.extend_from_slice(parameter.as_bytes());
    }
    body.extend_from_slice(&[0, 0]);
    message(b'B', &body)
}

/// Execute of the unnamed portal.
pub(super) fn execute(most: u32) -> Vec<u8> {
    let mut body = vec![0];
    body.extend_from_slice(&most.to_be_bytes());
    message(b'E', &body)
}

pub(super) fn sync() -> Vec<u8> {
    message(b'S', b"")
}
