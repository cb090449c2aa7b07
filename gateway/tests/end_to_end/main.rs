//! The program `gateway` as people start it, from senders and cameras to browsers and other clients.
//!
//! One program, so that all of it is linked once, and what waits does so beside others.

mod scene;

mod a_file_says_what_is_served;
mod browsers_show_it;
mod files_are_renewed;
mod inputs_come_back;
mod mpeg1_over_websockets;
mod nobody_holds_up_others;
mod old_clients_see_the_stream;
mod passwords_are_typed;
mod pictures_through_redis;
mod sealed_sources;
mod the_command_line_wins;
mod who_is_let_in;
