// How many items of a long array travel in one request: as many as the agreed limits allow, for
// the request and for its reply.
#pragma once

#include "libnae/base/action.hpp"
#include "libnae/wire/crypto_message.hpp"

namespace nae::backend {

// Items of `request` from `first` on that fit one request; 0 when the item at `first` alone is too
// large.
std::size_t items_that_fit(const wire::CryptoRequest& request, std::size_t first,
                           const wire::Limits& limits) noexcept;

// An item of so many bytes, in sum over its columns, fits a request and its result a reply,
// whatever the action.
std::size_t max_item_bytes(const wire::Limits& limits) noexcept;

// The part of `request` that has `count` items from `first` on.
wire::CryptoRequest part_of(const wire::CryptoRequest& request, std::size_t first,
                            std::size_t count) noexcept;

}  // namespace nae::backend
