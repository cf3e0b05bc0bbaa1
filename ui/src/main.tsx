// The start of the page: the only module with side effects.

import { render } from "solid-js/web";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/grid.css";
import "./styles/sessions.css";
import "./styles/list.css";
import "./styles/session.css";
import "./styles/users.css";
import "./styles/settings.css";
import "./styles/first_run.css";
import { Root } from "./views/root";

const root = document.getElementById("root");
if (root) render(() => <Root />, root);
