// Runs an event loop that looks a moment longer before it sleeps while work comes quickly.
#pragma once

#include <boost/asio/io_context.hpp>

namespace nae::net {

// As loop.run(). After four waits in a row that were shorter than a tenth of a millisecond it looks
// for work for 40 µs, giving way to others, before it lets the kernel wake it: on an idle core that
// takes longer than the work. A loop with less to do sleeps at once. Throws what handlers throw.
void run_loop(boost::asio::io_context& loop);

}  // namespace nae::net
