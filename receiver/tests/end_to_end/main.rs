//! The program `receiver` as people start it, beside senders of every age and whatever else it meets.
//!
//! One program, so that all of it is linked once, and what waits does so beside others.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds something wrong, also outside the functions marked as tests"
)]

#[path = "../../../tests/network/mod.rs"]
mod network;
#[path = "../../../tests/programs/mod.rs"]
mod programs;
mod scene;
#[path = "../../../tests/xvfb/mod.rs"]
mod xvfb;

mod all_sources_are_shown;
mod damaged_streams_give_their_intact_frames_only;
mod doctor;
mod every_output_gets_every_frame;
mod exit_status_and_message_say_why;
mod fetched_over_tcp;
mod files_go_through;
mod groups_across_hosts;
mod lossy_links;
mod lost_datagrams_are_repaired;
mod mtu_changes;
mod multicast_group_is_joined;
mod old_senders_frames_arrive_byte_for_byte;
mod one_of_several_sources_is_shown;
mod outputs_that_cannot_be_written;
mod recording_survives_a_kill;
mod remotes_do_not_wait;
mod sealed_streams;
mod sequenced_senders;
mod sources_have_names;
mod waiting;
mod what_the_kernel_drops_is_said;
mod what_the_unit_keeps;
mod window_shows_the_stream;
