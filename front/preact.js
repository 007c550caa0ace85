// What the page takes from npm, as one module: see build.mjs.
export { Component, createContext, Fragment, h, options, render } from "preact";
export {
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "preact/hooks";
export { html } from "htm/preact";
