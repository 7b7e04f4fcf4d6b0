// Signatures and HMACs a second through PKCS#11 modules, on one thread and on eight, in turns: what
// a program that uses the keys of a key server pays, beside one that uses a token over p11-kit
// remote.
//   nae-benchmark-signatures NAME=MODULE...   each with keys labelled `web` (P-256) and `codes`
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRounds = 5;
constexpr std::chrono::milliseconds kRound{1000};

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "signatures: %s\n", what.c_str());
  std::exit(1);
}

void must(CK_RV rv, const char* call) {
  if (rv != CKR_OK) give_up(std::string(call) + " answered " + std::to_string(rv));
}

class Module {
 public:
  Module(std::string name, const std::string& path) : name_(std::move(name)) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) give_up(::dlerror());
    auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (!get) give_up(path + " is no PKCS#11 module");
    must(get(&calls_), "C_GetFunctionList");
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    must(calls_->C_Initialize(&arguments), "C_Initialize");
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    must(calls_->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    if (count == 0) give_up(path + " has no token");
    slot_ = slots[0];
    CK_SESSION_HANDLE session = open();
    CK_UTF8CHAR pin[] = "1234";
    must(calls_->C_Login(session, CKU_USER, pin, 4), "C_Login");
  }

  const std::string& name() const { return name_; }
  CK_SESSION_HANDLE open() {
    CK_SESSION_HANDLE session = 0;
    must(calls_->C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &session),
         "C_OpenSession");
    return session;
  }
  CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS of_class, std::string label) {
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &of_class, sizeof of_class},
                             {CKA_LABEL, label.data(), label.size()}};
    must(calls_->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    must(calls_->C_FindObjects(session, &found, 1, &count), "C_FindObjects");
    must(calls_->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count == 0) give_up(name_ + " has no key " + label);
    return found;
  }
  void sign(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key) {
    CK_MECHANISM mechanism{type, nullptr, 0};
    CK_BYTE digest[32] = {1}, out[64];
    CK_ULONG bytes = sizeof out;
    must(calls_->C_SignInit(session, &mechanism, key), "C_SignInit");
    must(calls_->C_Sign(session, digest, sizeof digest, out, &bytes), "C_Sign");
  }

 private:
  std::string name_;
  CK_FUNCTION_LIST* calls_ = nullptr;
  CK_SLOT_ID slot_ = 0;
};

struct Work {
  const char* name;
  CK_OBJECT_CLASS of_class;
  const char* label;
  CK_MECHANISM_TYPE mechanism;
};
constexpr Work kWorks[] = {{"ECDSA P-256", CKO_PRIVATE_KEY, "web", CKM_ECDSA},
                           {"HMAC-SHA-256", CKO_SECRET_KEY, "codes", CKM_SHA256_HMAC}};

double per_second(Module& module, const Work& work, int threads) {
  std::vector<long> done(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  const auto start = Clock::now();
  for (long& count : done)
    running.emplace_back([&] {
      const CK_SESSION_HANDLE session = module.open();
      const CK_OBJECT_HANDLE key = module.find(session, work.of_class, work.label);
      for (; Clock::now() < start + kRound; ++count) module.sign(session, work.mechanism, key);
    });
  for (std::thread& one : running) one.join();
  const std::chrono::duration<double> took = Clock::now() - start;
  long total = 0;
  for (const long count : done) total += count;
  return static_cast<double>(total) / took.count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Module> modules;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) give_up("NAME=MODULE");
    modules.emplace_back(std::string(word.substr(0, equals)), std::string(word.substr(equals + 1)));
  }
  std::printf("%-14s %7s", "a second", "threads");
  for (const Module& module : modules) std::printf(" %22s", module.name().c_str());
  std::printf("  first / last\n");
  for (const Work& work : kWorks)
    for (const int threads : {1, 8}) {
      std::map<std::string, std::vector<double>> measured;
      for (int round = 0; round < kRounds; ++round)
        for (Module& module : modules)
          measured[module.name()].push_back(per_second(module, work, threads));
      std::printf("%-14s %7d", work.name, threads);
      for (const Module& module : modules) std::printf(" %22.0f", median(measured[module.name()]));
      std::printf("  %.2f\n", median(measured[modules.front().name()]) /
                                  median(measured[modules.back().name()]));
    }
}
