#include "net/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "libnae/base/log_record.hpp"

namespace nae::net {
namespace {

LogLevel level_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LogLevel::debug;
    case spdlog::level::info:
      return LogLevel::info;
    case spdlog::level::warn:
      return LogLevel::warning;
    default:
      return LogLevel::error;
  }
}

class RecordFormatter final : public spdlog::formatter {
 public:
  RecordFormatter(std::string program, LogFormat format)
      : program_(std::move(program)), format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const std::string record =
        log_record(format_, program_, level_of(message.level), message.time,
                   std::string_view(message.payload.data(), message.payload.size()));
    line.append(record.data(), record.data() + record.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<RecordFormatter>(program_, format_);
  }

 private:
  std::string program_;
  LogFormat format_;
};

}  // namespace

void start_log(const std::string& program, const std::string& level, const std::string& format) {
  auto logger = spdlog::stderr_logger_mt(program);
  logger->set_formatter(
      std::make_unique<RecordFormatter>(program, log_format(format).value_or(LogFormat::text)));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace nae::net
