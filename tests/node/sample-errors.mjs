// The errors of the sample shop, in the agent's form, with stacks of own code and of libraries.

const OWN = "https://shop.example.test/assets";

function frame(name, file_name, line_number, column, declaring_type = null) {
  return { name, file_name, line_number, column, declaring_type, parameters: [] };
}

const REACT = [
  frame("callCallback", "webpack-internal:///./node_modules/react-dom/cjs/react-dom.js", 4164, 14),
  frame("invokeGuardedCallback", "webpack-internal:///./node_modules/react-dom/cjs/react-dom.js", 4213, 16),
  frame("executeDispatch", "webpack-internal:///./node_modules/react-dom/cjs/react-dom.js", 9041, 3),
];
const NODE = [
  frame("processTicksAndRejections", "node:internal/process/task_queues", 105, 5, "process"),
  frame("runMicrotasks", "node:internal/process/task_queues", 60, 5),
];
const DATABASE = [
  frame("query", "/srv/shop/node_modules/pg/lib/client.js", 526, 17, "Client"),
  frame("parse", "/srv/shop/node_modules/pg-protocol/dist/parser.js", 41, 38, "Parser"),
];

const priceMissing = () => ({
  type: "TypeError",
  message: "Cannot read properties of undefined (reading 'amount')",
  stack_trace: [
    frame("formatPrice", `${OWN}/price.js`, 12, 27),
    frame("PriceTag", `${OWN}/product/price_tag.js`, 31, 9),
    ...REACT,
    frame("onVariantChange", `${OWN}/product/variants.js`, 77, 5),
  ],
});

const chunkMissing = () => ({
  type: "ChunkLoadError",
  message: "Loading chunk 417 failed.",
  stack_trace: [
    frame("ensureChunk", "webpack/runtime/ensure chunk", 6, 1, "__webpack_require__"),
    frame("openGallery", `${OWN}/product/gallery.js`, 9, 18),
  ],
  data: { "@ext": { request: `${OWN}/417.js` } },
});

const paymentFailed = () => ({
  type: "CheckoutError",
  message: "The order could not be placed",
  code: "E_PAYMENT",
  stack_trace: [
    frame("placeOrder", `${OWN}/checkout/place_order.js`, 88, 11),
    frame("submit", `${OWN}/checkout/form.js`, 143, 7, "CheckoutForm"),
    ...REACT,
  ],
  data: { "@ext": { order: { items: 3, total: "84.90", currency: "EUR" } } },
  inner: {
    type: "PaymentError",
    message: "Provider answered 502 three times",
    stack_trace: [
      frame("authorize", `${OWN}/payment/provider.js`, 54, 13, "Provider"),
      frame("retry", "webpack-internal:///./node_modules/p-retry/index.js", 71, 12),
    ],
    inner: { type: "TypeError", message: "Failed to fetch", stack_trace: [frame("request", `${OWN}/http.js`, 19, 22)] },
  },
});

const soldOut = () => ({
  type: "StockError",
  message: "\"Lamp Luna\" is sold out",
  code: "E_STOCK",
  stack_trace: [frame("reserve", `${OWN}/checkout/stock.js`, 27, 9), frame("placeOrder", `${OWN}/checkout/place_order.js`, 61, 5)],
});

const connectionLost = () => ({
  type: "ImportError",
  message: "item could not be written",
  stack_trace: [
    frame("writeItem", "file:///srv/shop/import/items.mjs", 118, 11),
    frame("run", "file:///srv/shop/import/main.mjs", 40, 5, "Import"),
    ...NODE,
  ],
  inner: {
    type: "DatabaseError",
    message: "terminating connection due to administrator command",
    code: "57P01",
    stack_trace: [...DATABASE, frame("save", "file:///srv/shop/store/items.mjs", 33, 20, "ItemStore"), ...NODE],
  },
});

const stackOverflow = () => ({
  type: "RangeError",
  message: "Maximum call stack size exceeded",
  stack_trace: Array.from({ length: 24 }, (_, depth) => frame("restore", `${OWN}/cart/restore.js`, depth % 2 ? 44 : 51, 12)),
});

export const ERRORS = {
  page: [priceMissing, chunkMissing],
  checkout: [paymentFailed, soldOut, paymentFailed],
  worker: [connectionLost],
  fatal: stackOverflow,
};
