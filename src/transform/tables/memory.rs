//! Tables within the memory they are given: what outgrows it goes outside, object by object.

use super::{ObjectBuilder, Tables, TablesBuilder};
use crate::transform::overflow::Room;

impl TablesBuilder {
    /// Keeps all tables together within a room, if there is one. What is found in them does not depend on it.
    pub fn within(mut self, room: Option<Room>) -> TablesBuilder {
        self.room = room;
        self
    }
}

impl ObjectBuilder {
    /// Tells the room how large this object's tables are, and puts them outside when it is full.
    pub(super) fn keep_within(&mut self, room: Option<&Room>) {
        let Some(room) = room else { return };
        let now = self.bytes();
        let full = room.resize(self.told, now);
        self.told = now;
        if !full {
            return;
        }
        for index in &mut self.indexes {
            index.spill(room);
        }
        if let Some((store, _)) = &mut self.store {
            store.spill(room);
        }
        let now = self.bytes();
        room.resize(self.told, now);
        self.told = now;
    }

    fn bytes(&self) -> usize {
        let store = self.store.as_ref().map_or(0, |(store, _)| store.bytes());
        store + self.indexes.iter().map(|i| i.bytes()).sum::<usize>()
    }
}

impl Tables {
    /// Bytes of these tables that outgrew their memory.
    pub fn spilled(&self) -> u64 {
        self.room.as_ref().map_or(0, Room::spilled)
    }

    /// Why what outgrew its memory cannot be found again; what was found since is not to be used.
    pub fn failure(&self) -> Option<String> {
        self.room.as_ref().and_then(Room::failure)
    }
}
