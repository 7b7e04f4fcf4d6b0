// Starter: starts the key server, and waits inside where something is away that may come back: an
// HSM, a store, a disk with room. A process that ended instead would have to be started again, and
// each start would try the PIN once more.
#pragma once

#include <chrono>
#include <memory>

#include "keyserver/admin/starting_service.hpp"
#include "keyserver/server/server.hpp"

namespace nae::server {

// nullptr when a signal asked to stop meanwhile. An error is one that waiting does not cure. When
// the HSM's module hangs, its thread still runs in it: the process must end without destructors.
// `succession`: see Server::start().
Result<std::unique_ptr<Server>> start_or_wait(const config::Config& config,
                                              std::shared_ptr<Succession> succession = {});

// Starts and runs the key server, and anew when it has come to be in charge, until it is asked to
// stop. False and errors as of Server::run() and Server::start().
Result<bool> serve(const config::Config& config);

// Before the next attempt to start, of which the last one took `took`. A node of a group is heard
// of at each: it must not seem gone in between, so this is a third of its lease at most.
std::chrono::milliseconds pause_after(const config::Config& config, std::chrono::milliseconds took);

// Whether a start has had the lease of a store for too long, `held`, while others could serve: a
// module may hang also after its login. Reading the largest store takes a fraction of it. Who waits
// for other key servers hangs in no module: how long they may be silent is theirs to say (F3).
bool is_over_budget(admin::StartPart part, std::chrono::steady_clock::duration held);

}  // namespace nae::server
