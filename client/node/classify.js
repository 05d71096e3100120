#!/usr/bin/env node
// Classifies texts over attentiond.v1 with @grpc/grpc-js; the messages are read from proto/ when this runs.
//
//   npm install @grpc/grpc-js @grpc/proto-loader
//   node client/node/classify.js --address localhost:8001 --model sentiment "I love my cat."
const path = require("path");
const {parseArgs} = require("util");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const PROTO = path.join(__dirname, "..", "..", "proto");

// Every address of the name in turn, and again elsewhere when a server is full, starting or draining: it has spent nothing.
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{round_robin: {}}],
  methodConfig: [{
    name: [{}],
    retryPolicy: {
      maxAttempts: 5, initialBackoff: "0.1s", maxBackoff: "5s", backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
    },
  }],
});

function connect(address) {
  const definition = protoLoader.loadSync("attentiond/v1/attention_service.proto", {
    includeDirs: [PROTO], keepCase: true, longs: Number, enums: String, defaults: true,
  });
  const {AttentionService} = grpc.loadPackageDefinition(definition).attentiond.v1;
  return new AttentionService(address, grpc.credentials.createInsecure(), {
    "grpc.service_config": SERVICE_CONFIG,
    "grpc.max_receive_message_length": 1 << 30,
  });
}

function main() {
  const {values, positionals} = parseArgs({
    options: {address: {type: "string", default: "localhost:8001"}, model: {type: "string"}},
    allowPositionals: true,
  });
  if (!values.model || positionals.length === 0) {
    console.error("usage: classify.js [--address HOST:PORT] --model NAME TEXT...");
    process.exit(64);
  }
  const service = connect(values.address);
  const request = {model: values.model, inputs: positionals.map((text) => ({text}))};
  service.Classify(request, {deadline: Date.now() + 10000}, (error, response) => {
    if (error) {
      console.error(`${grpc.status[error.code]}: ${error.details}`);
      process.exitCode = 1;
    } else {
      response.results.forEach((result, i) => {
        const best = result.labels[0];
        console.log(`${best.label}\t${best.score.toFixed(3)}\t${positionals[i]}`);
      });
    }
    service.close();
  });
}

main();
