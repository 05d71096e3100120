#include "server/http/http_server.h"

#include <civetweb.h>

#include <chrono>
#include <future>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "server/listen_address.h"

namespace attentiond {
namespace {

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

/// One request a connection: a thread per kept connection would let two idle clients hold both.
std::string Head(const HttpResponse& response) {
  std::string head = absl::StrCat("HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
                                  "\r\nContent-Type: ", response.content_type,
                                  "\r\nContent-Length: ", response.body.size(),
                                  "\r\nCache-Control: no-store\r\nConnection: close\r\n");
  if (!response.allow.empty()) absl::StrAppend(&head, "Allow: ", response.allow, "\r\n");
  return absl::StrCat(head, "\r\n");
}

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(HttpHandlers handlers) : handlers_(std::move(handlers)) {
    mg_init_library(MG_FEATURES_DEFAULT);
  }
  ~Impl() {
    if (context_ != nullptr) Stop();
    mg_exit_library();
  }

  absl::Status Start(const std::string& address, std::string host) {
    host_ = std::move(host);
    const char* const options[] = {"listening_ports",
                                   address.c_str(),  //
                                   "num_threads",
                                   "2",  //
                                   "connection_queue",
                                   "16",  // accepted, waiting for a thread
                                   "max_request_size",
                                   "8192",  // of the request line and headers; more is a 413
                                   "request_timeout_ms",
                                   "5000",  // for a client that sends or reads slowly
                                   "enable_keep_alive",
                                   "no",  //
                                   nullptr};
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) {
      return static_cast<Impl*>(mg_get_request_info(connection)->user_data)->Answer(connection);
    };
    callbacks.log_message = [](const mg_connection* connection, const char* message) {
      static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)))->Complain(message);
      return 1;  // handled: nothing goes to a file or to standard error
    };
    mg_init_data init{&callbacks, this, const_cast<const char**>(options)};
    unsigned code = 0;
    char text[256] = "";
    mg_error_data error{};
    // civetweb 1.15 wants a place for the code, 1.16 has one.
    [&code](auto& fields) {
      if constexpr (std::is_pointer_v<decltype(fields.code)>) fields.code = &code;
    }(error);
    error.text = text;
    error.text_buffer_size = sizeof(text);
    context_ = mg_start2(&init, &error);
    if (context_ != nullptr) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", FirstComplaint(text)));
  }

  int port() const {
    mg_server_port port{};
    return mg_get_server_ports(context_, 1, &port) == 1 ? port.port : 0;
  }

 private:
  int Answer(mg_connection* connection) const {
    const mg_request_info* request = mg_get_request_info(connection);
    const HttpResponse response = RouteHttp(request->request_method, request->local_uri, handlers_);
    const std::string head = Head(response);
    mg_write(connection, head.data(), head.size());
    if (absl::string_view(request->request_method) != "HEAD") {
      mg_write(connection, response.body.data(), response.body.size());
    }
    return response.status;
  }

  /// civetweb's accepting thread looks whether it shall stop every two seconds and when a client
  /// comes: clients come until it has stopped.
  void Stop() {
    const int bound_port = port();
    const auto stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
    while (stopped.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
      char error[64];
      mg_connection* client =
          mg_connect_client(host_.c_str(), bound_port, /*use_ssl=*/0, error, sizeof(error));
      if (client != nullptr) mg_close_connection(client);
    }
  }

  void Complain(const char* message) {
    MutexLock lock(&mutex_);
    if (first_complaint_.empty()) first_complaint_ = message;
  }
  std::string FirstComplaint(const char* otherwise) {
    MutexLock lock(&mutex_);
    return first_complaint_.empty() ? otherwise : first_complaint_;
  }

  const HttpHandlers handlers_;
  std::string host_;  ///< that it listens on
  mg_context* context_ = nullptr;
  Mutex mutex_;
  std::string first_complaint_ ABSL_GUARDED_BY(mutex_);  ///< why it did not start, if it did not
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address,
                                                              HttpHandlers handlers) {
  // civetweb reads commas and suffixes in it as further ports and options.
  ASSIGN_OR_RETURN(const ListenAddress parsed, ParseListenAddress(address));
  auto impl = std::make_unique<Impl>(std::move(handlers));
  if (parsed.host.front() == '[' && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address,
                     ": this build of civetweb has no IPv6; use an IPv4 address such as 0.0.0.0"));
  }
  // RFC 6761: localhost is the loopback address, also where no resolver knows it (a bare
  // container).
  const std::string host = parsed.host == "localhost" ? "127.0.0.1" : parsed.host;
  RETURN_IF_ERROR(impl->Start(absl::StrCat(host, ":", parsed.port), host));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const { return impl_->port(); }

}  // namespace attentiond
