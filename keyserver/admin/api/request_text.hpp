// What the digest of a request that waits for approval is made of. Whoever decides makes it anew
// of what he was shown.
#pragma once

#include <string>
#include <string_view>

namespace nae::admin::api {

// The digest is the SHA-256 of this. `base` is the digest of what the request would change; empty:
// something new. Parts have their lengths, so no two requests have one text.
std::string request_text(std::string_view method, std::string_view target,
                         std::string_view content_type, std::string_view body,
                         std::string_view base);

}  // namespace nae::admin::api
