#include "keyserver/protocols/nae1/nae_request.hpp"

#include <stdexcept>
#include <utility>

#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"

namespace nae::nae1 {
namespace {

constexpr std::size_t kKeptViews = 4096;

void read_column(const wire::ColumnView& column, std::vector<ByteView>& into) {
  into.clear();
  into.reserve(column.count());
  auto cursor = column.cursor();
  for (std::uint32_t i = 0; i < column.count(); ++i) into.push_back(cursor.next());
}

wire::ItemResult result_of(policy::Verdict shown) {
  switch (shown) {
    case policy::Verdict::value:
      return wire::ItemResult::value;
    case policy::Verdict::masked:
      return wire::ItemResult::masked;
    case policy::Verdict::ciphertext:
      return wire::ItemResult::ciphertext;
    case policy::Verdict::null:
      return wire::ItemResult::null;
    case policy::Verdict::deny:
      break;
  }
  throw std::logic_error("what is denied is not shown");
}

}  // namespace

operations::CryptoRequest request_of(const wire::CryptoHeader& header, std::uint32_t items) {
  operations::CryptoRequest request;
  request.action = header.action;
  request.algorithm = header.algorithm;
  request.key = header.key;
  request.query_id = header.query_id;
  request.count = items;
  return request;
}

void RequestViews::set(const wire::CryptoRequestView& view) {
  request_ = request_of(view.header, view.items.count());
  read_column(view.items, items_);
  read_column(view.seconds, seconds_);
  read_column(view.aad, aad_);
  point();
}

void RequestViews::move_to(ByteView body, ByteView copy) {
  const auto moved = [&](ByteView view) {
    return view.empty()
               ? ByteView()
               : copy.subspan(static_cast<std::size_t>(view.data() - body.data()), view.size());
  };
  for (auto* views : {&items_, &seconds_, &aad_})
    for (ByteView& view : *views) view = moved(view);
  request_.key = as_text(moved(as_bytes(request_.key)));
  point();
}

void RequestViews::point() {
  request_.items = items_;
  request_.seconds = seconds_;
  request_.aad = aad_;
}

void RequestViews::give_back() {
  if (items_.capacity() + seconds_.capacity() + aad_.capacity() > kKeptViews)
    *this = RequestViews();
}

void ReplyFrame::begin(std::uint32_t items, std::size_t data_bytes_hint) {
  writer_.emplace(out_, request_id_, items, data_bytes_hint);
}

void ReplyFrame::finish_item(policy::Verdict shown, std::size_t used_bytes) {
  writer_->finish_item(result_of(shown), used_bytes);
}

Result<void> ReplyFrame::finish() {
  writer_->finish();
  if (out_.size() - start_ - wire::kFrameHeaderBytes <= wire::max_reply_bytes(limits_)) return {};
  return fail(Code::frame_too_large, "the reply would be too large");
}

void ReplyFrame::discard() {
  writer_.reset();
  std::fill(out_.begin() + static_cast<std::ptrdiff_t>(start_), out_.end(), Byte{0});
  out_.resize(start_);
}

void ReplyFrame::refuse(const Error& error, std::uint32_t retry_after_ms) {
  wire::append_error(out_, request_id_, {error, retry_after_ms});
}

}  // namespace nae::nae1
