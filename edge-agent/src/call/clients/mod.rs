//! Clients of recognisers as sources: programs that talk to a Vosk or a FunASR server bring a leg here instead and get
//! its words back on the same connection.
//!
//! Their sound is a leg like any other: recorded, filed, heard while the call runs. The words are those that are told of
//! this leg to everybody, masked the same way ([`Echo`]). Where none can be given, since no model is there or not all
//! was heard, the client is told so. It may be as slow as it likes: 64 answers wait for it, more are dropped and counted,
//! and its sound is taken all the same. Of a connection one message of sound (256 KiB) is held, which is handed on at the
//! pace at which it was spoken ([`sound`]).

mod funasr;
mod sound;
mod vosk;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt};
use serde_json::{Map, Value};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use self::funasr::FunAsr;
use self::sound::Sound;
use self::vosk::Vosk;
use super::caller::Sealer;
use super::handshake::{self, HUNG_UP};
use super::listener::{self, Wire};
use super::live::{Echo, Line};
use super::registry::{Announcement, TapId};
use super::tap::{Heard, Introduction, Source};
use super::words::Words;
use super::{CallConfig, CallHealth, CallTap, Cause, freeswitch, lock};

/// Eight seconds at 16 kHz.
const MAX_MESSAGE_BYTES: usize = 256 * 1_024;
/// Answers that wait for a client.
const MAX_ANSWERS: usize = 64;
/// The longest answer and what it is wrapped in: all words of a call and their times.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// The last words of a leg are known this long after its sound, or some are left out.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Who is told why it is over has this long to take it; who wants to leave by himself, this long to do so.
const FAREWELL: Duration = Duration::from_secs(1);
const LINGER: Duration = Duration::from_millis(2_500);

const DEAF: &str =
    "no words: no speech model that hears calls as they run is ready on this box; the sound is recorded";
const IN_PART: &str = "not all words: some of the sound could not be heard as it came; it is recorded whole";

/// What is taken of a text in mid-call.
enum Text {
    /// All sound has been sent.
    Over,
    Told(Announcement),
    /// It means nothing; the answer says why.
    Wrong(String),
}

/// What two kinds of clients say and are answered. Answers are JSON.
trait Protocol: Send + Sized + 'static {
    const NAME: &str;
    const CAUSE: Cause;
    /// Of a client that says nothing else.
    const RATE_HZ: u32;
    /// Clients close the connection themselves after the last words.
    const LINGERS: bool;

    fn address(config: &CallConfig) -> Option<SocketAddr>;
    fn listening(health: &mut CallHealth) -> &mut Option<SocketAddr>;
    /// `None`: the first message is sound. An error is why it is refused.
    fn begin(first: Option<&str>, sealer: &Sealer) -> Result<(Self, Words), String>;
    fn text(&mut self, text: &str, sealer: &Sealer) -> Text;
    /// The answer to a message of sound that was taken. `notice`: why there are no words.
    fn taken(&mut self, notice: Option<&str>) -> Option<String>;
    /// Words have come; perhaps an answer. An error: they find no room.
    fn line(&mut self, line: Line) -> Result<Option<String>, ()>;
    /// All words have come.
    fn last(&mut self, notice: Option<&str>) -> String;
    /// At the beginning, when there will be no words.
    fn deaf(&self, why: &str) -> Option<String>;
    /// Why the connection is not taken, or no longer.
    fn refusal(why: &str) -> String;
}

/// Listens for both kinds until cancelled, and until all their legs are on disk.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    tokio::join!(listen::<Vosk>(&tap, &cancel), listen::<FunAsr>(&tap, &cancel));
}

async fn listen<P: Protocol>(tap: &Arc<CallTap>, cancel: &CancellationToken) {
    let Some(address) = P::address(&tap.config) else { return };
    let Some(listener) = tap.bind(P::CAUSE, address, cancel).await else { return };
    *P::listening(&mut lock(&tap.status)) = listener.local_addr().ok();
    tracing::info!(%address, protocol = P::NAME, "waiting for calls of a recogniser's clients");
    listener::serve::<Client<P>>(Arc::clone(tap), listener, cancel.clone()).await;
}

struct Client<P> {
    socket: WebSocketStream<TcpStream>,
    protocol: P,
    sealer: Arc<Sealer>,
    sound: Sound,
    /// A message of sound was taken whose answer was not given.
    owes: bool,
    /// `None` before its leg is recorded.
    echo: Option<Echo>,
    answers: VecDeque<String>,
    /// It takes no more answers.
    is_mute: bool,
    /// It has closed.
    has_left: bool,
}

/// What happened first.
enum Turn {
    Line(Line),
    Message(Option<Result<Message, Error>>),
}

impl<P: Protocol> Wire for Client<P> {
    async fn introduce(stream: TcpStream, tap: &CallTap) -> anyhow::Result<(Self, Introduction)> {
        let limits = WebSocketConfig::default()
            .read_buffer_size(8 * 1_024)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_ANSWER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (mut socket, said) = handshake::accept(stream, None, limits, &tap.sealer).await?;
        let first = loop {
            match socket.next().await {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => break message,
                Some(Ok(Message::Close(_))) | None => anyhow::bail!("it closed without a word"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        };
        match Self::begin(&first, said, &tap.sealer) {
            Ok((protocol, sound, words)) => {
                let owes = matches!(first, Message::Binary(_));
                let (answers, echo) = (VecDeque::new(), None);
                let sealer = Arc::clone(&tap.sealer);
                let (is_mute, has_left) = (false, false);
                let client = Self { socket, protocol, sealer, sound, owes, echo, answers, is_mute, has_left };
                let drawn = || tap.chance.uuid_v7(tap.clock.now());
                Ok((client, freeswitch::introduction(words, 1, drawn)))
            }
            Err(why) => {
                let _ = timeout(FAREWELL * 2, leave::<P>(&mut socket, &why)).await;
                anyhow::bail!("{} client: {why}", P::NAME)
            }
        }
    }
}

impl<P: Protocol> Client<P> {
    fn begin(first: &Message, said: Words, sealer: &Sealer) -> Result<(P, Sound, Words), String> {
        let text = if let Message::Text(text) = first { Some(text.as_str()) } else { None };
        let (protocol, words) = P::begin(text, sealer)?;
        let words = words.over(said);
        if words.channels == Some(2) {
            return Err(
                "channels must be 1: a connection is one leg, with its own uuid, call_id and leg".to_owned()
            );
        }
        let mut sound = Sound::new(words.rate_hz.unwrap_or(P::RATE_HZ));
        if let Message::Binary(bytes) = first {
            sound.take(bytes)?;
        }
        Ok((protocol, sound, words))
    }

    /// Why there are no words at this moment.
    fn notice(&self) -> Option<&'static str> {
        let is_heard = self.echo.as_ref().is_some_and(Echo::is_heard);
        (!is_heard).then_some(DEAF)
    }

    fn answer(&mut self, answer: Option<String>) {
        let Some(answer) = answer else { return };
        if self.is_mute || self.answers.len() >= MAX_ANSWERS {
            self.dropped();
        } else {
            self.answers.push_back(answer);
        }
    }

    fn dropped(&self) {
        if let Some(echo) = &self.echo {
            echo.dropped();
        }
    }

    fn line(&mut self, line: Line) {
        match self.protocol.line(line) {
            Ok(answer) => self.answer(answer),
            Err(()) => self.dropped(),
        }
    }

    /// Words that are there already.
    fn hear_lines(&mut self) {
        while let Some(line) = self.echo.as_mut().and_then(Echo::line) {
            self.line(line);
        }
    }

    /// Writes what the client takes. True when nothing is left.
    fn poll_answers(&mut self, context: &mut Context<'_>) -> bool {
        if self.is_mute {
            return true;
        }
        let mut write = || -> Result<bool, Error> {
            while Pin::new(&mut self.socket).poll_ready(context)?.is_ready() {
                let Some(answer) = self.answers.pop_front() else {
                    return Ok(Pin::new(&mut self.socket).poll_flush(context)?.is_ready());
                };
                Pin::new(&mut self.socket).start_send(Message::text(answer))?;
            }
            Ok(false)
        };
        // What it has sent is read nevertheless: reading says when it is gone.
        write().unwrap_or_else(|_| {
            self.is_mute = true;
            true
        })
    }

    /// Loses nothing when it is left.
    fn poll_turn(&mut self, context: &mut Context<'_>, reads: bool) -> Poll<Turn> {
        // Until it takes no more, or nothing is left: then its waker is registered.
        self.poll_answers(context);
        if let Some(echo) = &mut self.echo
            && let Poll::Ready(Some(line)) = echo.poll_line(context)
        {
            return Poll::Ready(Turn::Line(line));
        }
        if reads { self.socket.poll_next_unpin(context).map(Turn::Message) } else { Poll::Pending }
    }
}

impl<P: Protocol> Source for Client<P> {
    async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            let due = if self.sound.is_empty() { None } else { Some(self.sound.due()) };
            if due.is_some_and(|due| due <= Instant::now()) {
                return Ok(self.sound.piece());
            }
            if due.is_none() && std::mem::take(&mut self.owes) {
                self.hear_lines();
                let answer = self.protocol.taken(self.notice());
                self.answer(answer);
            }
            let turn = tokio::select! {
                turn = poll_fn(|context| self.poll_turn(context, due.is_none())) => turn,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => continue,
            };
            let message = match turn {
                Turn::Line(line) => {
                    self.line(line);
                    continue;
                }
                Turn::Message(message) => message,
            };
            return Ok(match message {
                Some(Ok(Message::Binary(bytes))) => {
                    self.sound.take(&bytes).map_err(anyhow::Error::msg)?;
                    self.owes = true;
                    continue;
                }
                Some(Ok(Message::Text(text))) => match self.protocol.text(&text, &self.sealer) {
                    Text::Over => Heard::Ended(HUNG_UP.to_owned()),
                    Text::Told(told) if told == Announcement::default() => Heard::Nothing,
                    Text::Told(told) => Heard::Told(told),
                    Text::Wrong(answer) => {
                        self.answer(Some(answer));
                        Heard::Nothing
                    }
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Nothing,
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) => {
                    self.has_left = true;
                    Heard::Ended(HUNG_UP.to_owned())
                }
                None => {
                    self.has_left = true;
                    Heard::Ended("the connection closed".to_owned())
                }
                Some(Err(error)) => {
                    self.has_left = !matches!(error, Error::Capacity(_));
                    return Err(error.into());
                }
            });
        }
    }

    fn hurry(&mut self) {
        self.sound.hurry();
    }

    fn hear(&mut self, tap: &CallTap, leg: TapId) {
        self.echo = tap.echo(leg);
        if let Some(why) = self.notice() {
            let answer = self.protocol.deaf(why);
            self.answer(answer);
        }
    }

    async fn last_words(&mut self) {
        let Some(echo) = self.echo.as_ref().filter(|_| !self.has_left) else { return };
        let mut over = pin!(echo.over(Instant::now() + LAST_WORDS));
        let is_over = loop {
            let turn = tokio::select! {
                is_over = &mut over => break is_over,
                turn = poll_fn(|context| self.poll_turn(context, false)) => turn,
            };
            if let Turn::Line(line) = turn {
                self.line(line);
            }
        };
        self.hear_lines();
        let is_whole = is_over && self.echo.as_ref().is_some_and(Echo::is_whole);
        let notice = (!is_whole).then(|| self.notice().unwrap_or(IN_PART));
        // Beyond the bound: it is the one that is waited for.
        self.answers.push_back(self.protocol.last(notice));
        let rest =
            poll_fn(|context| if self.poll_answers(context) { Poll::Ready(()) } else { Poll::Pending });
        let _ = timeout(FAREWELL, rest).await;
    }

    async fn farewell(&mut self, why: &str) {
        if self.has_left {
            // It may wait until its own farewell is answered.
            let _ = timeout(FAREWELL, to_the_end(&mut self.socket)).await;
            return;
        }
        if why != HUNG_UP {
            return leave::<P>(&mut self.socket, why).await;
        }
        if P::LINGERS && timeout(LINGER, to_the_end(&mut self.socket)).await.is_ok() {
            return;
        }
        handshake::close(&mut self.socket, why).await;
        let _ = timeout(FAREWELL, to_the_end(&mut self.socket)).await;
    }
}

/// Says why, and waits a moment until it has arrived: who still sends would lose it otherwise.
async fn leave<P: Protocol>(socket: &mut WebSocketStream<TcpStream>, why: &str) {
    let _ = timeout(FAREWELL, socket.send(Message::text(P::refusal(why)))).await;
    let _ = timeout(FAREWELL, handshake::close(socket, why)).await;
    let _ = timeout(FAREWELL, to_the_end(socket)).await;
}

/// Reads what nobody wants any more.
async fn to_the_end(socket: &mut WebSocketStream<TcpStream>) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// What a client said, its rate under the name that is known here. Some say it with a decimal point.
fn rate(map: &Map<String, Value>, key: &str) -> Map<String, Value> {
    let mut map = map.clone();
    if let Some(rate) = map.remove(key) {
        let whole = rate.as_f64().filter(|hertz| hertz.fract() == 0.0 && (0.0..=1e6).contains(hertz));
        map.insert("rate".to_owned(), whole.map_or(rate, |hertz| Value::from(hertz as u64)));
    }
    map
}
