//! The program `sender` as people start it, beside receivers of every age and whatever else it meets.
//!
//! One program, so that all of it is linked once, and what waits does so beside others.

#[path = "../../../tests/network/mod.rs"]
mod network;
mod scene;
#[path = "../../../tests/xvfb/mod.rs"]
mod xvfb;

mod a_group_shakes_hands;
mod bad_input_says_what_to_do;
mod doctor;
mod frames_are_spread_over_time;
mod frames_reach_every_remote;
mod old_peers_of_a_group;
mod old_receivers_see_no_escape;
mod receivers_are_heard;
mod receivers_come_and_go;
mod receivers_connect_over_tcp;
mod recordings_are_replayed;
mod sealed_streams;
mod the_command_line_wins;
mod the_user_ends_it;
mod what_is_sent_is_shown;
