// Records encoded and waiting for the log: what one connection thread collects while it serves
// one read, outside the log's lock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keyserver/audit/encode.hpp"

namespace nae::audit {

// Keeps its memory over clear(), so that a thread reuses one.
class Batch {
 public:
  void add(const ContextFragment& context, const Record& record) {
    append_record(text_, context, record);
    ends_.push_back(text_.size());
  }
  void add(const AdminRecord& record) {
    append_record(text_, record);
    ends_.push_back(text_.size());
  }
  void add(const EventRecord& record) {
    append_record(text_, record);
    ends_.push_back(text_.size());
  }
  void clear() {
    text_.clear();
    ends_.clear();
  }

  bool empty() const { return ends_.empty(); }
  std::size_t size() const { return ends_.size(); }
  std::size_t text_bytes() const { return text_.size(); }
  // The encoded members of record `index`.
  std::string_view operator[](std::size_t index) const {
    std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(begin, ends_[index] - begin);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace nae::audit
