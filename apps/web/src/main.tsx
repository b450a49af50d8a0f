// Starts the web app.

import { mountApp } from "@lockstep/pages";
import "@lockstep/pages/styles.css";
import { App } from "./app.tsx";

mountApp(App);
