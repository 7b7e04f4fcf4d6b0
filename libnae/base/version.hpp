// What a program says it is. The number comes from the file VERSION, the commit from the checkout
// or from what `make dist` wrote; both stand in one generated source, so that a commit rebuilds
// nothing else (cmake/version.cmake).
#pragma once

#include <string>
#include <string_view>

namespace nae {

// "0.2.0"
std::string_view version();
// As `git describe` names it: "v0.2.0-3-g1a2b3c4d5e6f", with "-dirty" behind it when files differ
// from the commit. Empty when nobody could tell.
std::string_view commit();

// "nae-agent 0.2.0": in Hello, in logs and audit records. Without the commit, which tells a peer
// more than it needs.
std::string software(std::string_view program);
// What --version prints: "nae-agent 0.2.0 (1a2b3c4d5e6f)".
std::string version_text(std::string_view program);

}  // namespace nae
