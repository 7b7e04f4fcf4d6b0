// What this program calls itself in Hello, in --version and in logs.
#pragma once

namespace nae::agent {

inline constexpr char kVersion[] = "0.1.0";
inline constexpr char kSoftware[] = "nae-agent 0.1.0";

}  // namespace nae::agent
