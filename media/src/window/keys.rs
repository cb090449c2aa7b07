//! The keys that mean something in the window.

use std::cell::RefCell;
use std::rc::Rc;

/// What somebody at the window wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The end: `q`, Esc, or the window was closed.
    Quit,
    /// A snapshot: `s`.
    Snapshot,
    /// The line of figures over the picture, on or off: `i`.
    Figures,
}

/// The keys pressed and not yet asked for.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    keys: Vec<Key>,
    /// Keys that are held down, whose repetitions do not count: holding `s` is one snapshot.
    held: Vec<Key>,
}

impl Pressed {
    /// The keys pressed since the last call.
    pub(super) fn take(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.keys)
    }

    /// Forgets which keys are held: when the keyboard goes to another window, nobody tells this one that they are let
    /// go.
    pub(super) fn release_all(&mut self) {
        self.held.clear();
    }

    fn change(&mut self, key: minifb::Key, down: bool) {
        let key = match key {
            minifb::Key::Q | minifb::Key::Escape => Key::Quit,
            minifb::Key::S => Key::Snapshot,
            minifb::Key::I => Key::Figures,
            _ => return,
        };
        let held = self.held.contains(&key);
        if down && !held {
            self.held.push(key);
            self.keys.push(key);
        } else if !down {
            self.held.retain(|&other| other != key);
        }
    }
}

/// Hears of each key as it goes down or up. Asking the library afterwards which keys are down would miss those that
/// were let go again between two questions.
#[derive(Debug)]
pub(super) struct Keyboard {
    pressed: Rc<RefCell<Pressed>>,
}

impl Keyboard {
    pub(super) fn new(pressed: Rc<RefCell<Pressed>>) -> Self {
        Self { pressed }
    }
}

impl minifb::InputCallback for Keyboard {
    fn add_char(&mut self, _: u32) {}

    fn set_key_state(&mut self, key: minifb::Key, down: bool) {
        self.pressed.borrow_mut().change(key, down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_once_however_long_it_is_held() {
        let mut pressed = Pressed::default();
        for down in [true, true, true, false, true, false] {
            pressed.change(minifb::Key::S, down);
        }
        assert_eq!(pressed.take(), [Key::Snapshot, Key::Snapshot]);
        assert_eq!(pressed.take(), []);
    }

    #[test]
    fn keys_come_in_order_and_those_without_meaning_do_not() {
        let mut pressed = Pressed::default();
        for key in [minifb::Key::I, minifb::Key::A, minifb::Key::S, minifb::Key::Escape] {
            pressed.change(key, true);
        }
        assert_eq!(pressed.take(), [Key::Figures, Key::Snapshot, Key::Quit]);
    }

    #[test]
    fn a_key_let_go_in_another_window_can_be_pressed_again() {
        let mut pressed = Pressed::default();
        pressed.change(minifb::Key::I, true);
        pressed.release_all();
        pressed.change(minifb::Key::I, true);
        assert_eq!(pressed.take(), [Key::Figures, Key::Figures]);
    }
}
