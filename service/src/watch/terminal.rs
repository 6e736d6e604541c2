//! The view in a terminal, until q, Ctrl-C or a signal. The terminal is left as it was found.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{Event as Input, EventStream, KeyCode, KeyEvent, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{
    self, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
};
use futures_core::Stream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::client::{Client, Problem};
use super::endpoint::Endpoint;
use super::listener::{Heard, Listener};
use super::paint::{Colours, paint};
use super::view::{Line, View};

/// How often the endpoints are asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a bar moves.
const FRAME: Duration = Duration::from_millis(100);

/// What changes the view.
enum News {
    Heard(Result<Heard, String>),
    Health(Result<Vec<Endpoint>, String>),
}

/// Shows the view.
///
/// # Errors
/// There is no use in listening, or the terminal cannot be used.
pub async fn show(client: Rc<Client>) -> Result<(), String> {
    let (sender, news) = mpsc::channel(64);
    let listening = actix_web::rt::spawn(listen(Listener::new(Rc::clone(&client)), sender.clone()));
    let looking = actix_web::rt::spawn(look(Rc::clone(&client), sender));
    let shown = Screen::open().map_err(|error| format!("the terminal cannot be used: {error}"));
    let shown = match shown {
        Ok(mut screen) => screen.follow(View::new(client.url()), news).await,
        Err(problem) => Err(problem),
    };
    listening.abort();
    looking.abort();
    shown
}

async fn listen(mut listener: Listener, news: mpsc::Sender<News>) {
    loop {
        let heard = listener.next().await;
        let is_last = heard.is_err();
        if news.send(News::Heard(heard)).await.is_err() || is_last {
            return;
        }
    }
}

async fn look(client: Rc<Client>, news: mpsc::Sender<News>) {
    loop {
        let health = client.health().await.map(|answer| Endpoint::all(&answer));
        let health = health.map_err(|(Problem::Passing(reason) | Problem::Lasting(reason))| reason);
        if news.send(News::Health(health)).await.is_err() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The terminal while it is ours.
struct Screen {
    shown: Vec<Line>,
    colours: Colours,
}

impl Screen {
    fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let screen = Self { shown: Vec::new(), colours: Colours::wanted() };
        execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, Hide)?;
        Ok(screen)
    }

    async fn follow(&mut self, mut view: View, mut news: mpsc::Receiver<News>) -> Result<(), String> {
        let gone = |error: io::Error| format!("the terminal is gone: {error}");
        let mut terminate = signal(SignalKind::terminate()).map_err(gone)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(gone)?;
        let mut keys = EventStream::new();
        let mut frame = tokio::time::interval(FRAME);
        loop {
            tokio::select! {
                input = next(&mut keys) => match input {
                    Some(Ok(input)) if quits(&input) => return Ok(()),
                    // What was painted is not what a resized terminal shows.
                    Some(Ok(Input::Resize(..))) => self.shown.clear(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(gone(error)),
                    None => return Ok(()),
                },
                Some(news) = news.recv() => match news {
                    News::Heard(heard) => view.hear(heard?, Instant::now()),
                    News::Health(health) => view.examine(health),
                },
                _ = frame.tick() => self.draw(&view).map_err(gone)?,
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    fn draw(&mut self, view: &View) -> io::Result<()> {
        let (columns, rows) = terminal::size()?;
        let lines = view.lines(Instant::now(), (columns.into(), rows.into()));
        if lines == self.shown {
            return Ok(());
        }
        paint(&mut io::stdout().lock(), &lines, self.colours)?;
        self.shown = lines;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whatever cannot be restored belongs to a terminal that is gone.
        let _gone = execute!(io::stdout(), Show, EnableLineWrap, LeaveAlternateScreen);
        let _gone = terminal::disable_raw_mode();
    }
}

async fn next(keys: &mut EventStream) -> Option<io::Result<Input>> {
    poll_fn(|cx| Pin::new(&mut *keys).poll_next(cx)).await
}

fn quits(input: &Input) -> bool {
    let Input::Key(KeyEvent { code, modifiers, .. }) = input else { return false };
    match code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        KeyCode::Char('c') => modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::q(KeyCode::Char('q'), KeyModifiers::NONE, true)]
    #[case::escape(KeyCode::Esc, KeyModifiers::NONE, true)]
    #[case::ctrl_c(KeyCode::Char('c'), KeyModifiers::CONTROL, true)]
    #[case::c(KeyCode::Char('c'), KeyModifiers::NONE, false)]
    #[case::another(KeyCode::Enter, KeyModifiers::NONE, false)]
    fn some_keys_quit(#[case] code: KeyCode, #[case] modifiers: KeyModifiers, #[case] expected: bool) {
        assert_eq!(quits(&Input::Key(KeyEvent::new(code, modifiers))), expected);
    }
}
