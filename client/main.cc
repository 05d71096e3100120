// The program attention-client; everything is in client/commands.
#include "client/commands/program.h"

int main(int argc, char** argv) {
  attentiond::client::Console console = attentiond::client::ProcessConsole();
  return attentiond::client::RunProgram(std::vector<std::string>(argv + 1, argv + argc), &console);
}
