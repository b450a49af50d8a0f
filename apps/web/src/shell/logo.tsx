// The mark: two flights of steps, taken together.

export const LogoMark = ({ size = 28 }: { size?: number }) => (
  <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" fill="#0f6b5c" />
    <g fill="none" strokeWidth="2.75" strokeLinecap="round" strokeLinejoin="round">
      <path d="M6 18.5h5.5v-5.5h5.5v-5.5h5.5" stroke="#fff" />
      <path d="M9.5 25h5.5v-5.5h5.5v-5.5h5.5" stroke="#8fe0cc" />
    </g>
  </svg>
);
