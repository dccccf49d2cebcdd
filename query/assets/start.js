// Starts GraphiQL against the server that gave this page.
(function () {
  "use strict";
  var scheme = location.protocol === "https:" ? "wss:" : "ws:";
  var fetcher = GraphiQL.createFetcher({
    url: "/graphql",
    wsClient: graphqlWs.createClient({ url: scheme + "//" + location.host + "/graphql/ws", lazy: true }),
  });
  var tabs = [
    {
      query:
        "# How far the index is, and what its proofs rest on.\n" +
        "# Até onde vai o índice e em que se apoiam as provas.\n" +
        "query Status {\n" +
        "  status {\n    chainId\n    consensus\n    anchor\n    nBlocks\n    headAgeSeconds\n" +
        "    head { number hash timestamp proof }\n  }\n}\n",
    },
    {
      query:
        "# The newest transfers. / As transferências mais recentes.\n" +
        "query Transfers {\n" +
        "  transfers(first: 10) {\n    nodes { blockNumber from to formatted amount tokenDetails { symbol token } }\n" +
        "    pageInfo { hasNextPage endCursor }\n    readAt { number proof anchor }\n  }\n}\n",
    },
    {
      query:
        "# A balance at a block. / Um saldo em um bloco.\n" +
        "query Balance($token: Address!, $account: Address!, $at: BlockSelector) {\n" +
        "  balance(token: $token, account: $account, at: $at) {\n" +
        "    amount\n    formatted\n    notSummable\n    problem\n    readAt { number hash proof anchor }\n  }\n}\n",
      variables:
        '{\n  "token": "0x0000000000000000000000000000000000000000",\n' +
        '  "account": "0x0000000000000000000000000000000000000000",\n  "at": { "number": 0 }\n}\n',
    },
    {
      query:
        "# Each block as it is committed. / Cada bloco ao ser confirmado.\n" +
        "subscription Blocks {\n  blocks {\n    cursor\n    block { number hash nTransactions proof }\n  }\n}\n",
    },
  ];
  var page = React.createElement(GraphiQL, { fetcher: fetcher, defaultTabs: tabs, shouldPersistHeaders: false });
  ReactDOM.createRoot(document.getElementById("graphiql")).render(page);
})();
